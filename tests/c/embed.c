/* A program that embeds Python: init, import hooking, use it on a terminal,
 * finalize, a hundred times. What a module keeps in statics, or frees twice, shows
 * here. Run by make check, which sets PYTHONPATH to the staged package and
 * HK_TEST_PYTHON to the interpreter, whose prefix this program then shares. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 100, PATIENCE = 300 /* seconds */ };

static const char use[] =
    "def work():\n"
    "    from hooking import hook\n"
    "    x = 1\n"
    "    hook(when=False)\n"
    "    hook(overwrite_locals=True)\n"
    "    if x != 42:\n"
    "        raise SystemExit(f'embed: at the prompt x became {x}, not 42')\n"
    "work()\n";
static const char typed[] = "x = 6 * 7\nexit()\n";

#ifdef __SANITIZE_ADDRESS__
/* CPython keeps memory until the end; AddressSanitizer asks this function. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

/* Move on in looking for `word`: how many of its characters match so far. */
static size_t
match(const char *word, size_t so_far, char c)
{
    return c == word[so_far] ? so_far + 1 : c == word[0] ? 1 : 0;
}

/* At the other end of the terminal: after each banner wait for the prompt, then type. */
static void *
typist(void *arg)
{
    static const char *const awaited[] = {"CTRL+D", ">>> "};
    int terminal = *(int *)arg;
    size_t which = 0, so_far = 0;
    char text[4096];
    ssize_t count;

    while ((count = read(terminal, text, sizeof text)) > 0) {
        if (getenv("EMBED_SHOW") != NULL) {
            fwrite(text, 1, (size_t)count, stderr);
        }
        for (ssize_t i = 0; i < count; i++) {
            so_far = match(awaited[which], so_far, text[i]);
            if (awaited[which][so_far] != '\0') {
                continue;
            }
            so_far = 0;
            if (which == 1 && write(terminal, typed, sizeof typed - 1) < 0) {
                perror("embed: typing");
            }
            which = 1 - which;
        }
    }
    return NULL;
}

/* Make stdin and stdout a terminal with a typist; *there is the other end. */
static int
open_terminal(int *there)
{
    pthread_t thread;
    int here;

    *there = posix_openpt(O_RDWR | O_NOCTTY);
    if (*there < 0 || grantpt(*there) < 0 || unlockpt(*there) < 0 ||
        (here = open(ptsname(*there), O_RDWR | O_NOCTTY)) < 0 ||
        dup2(here, STDIN_FILENO) < 0 || dup2(here, STDOUT_FILENO) < 0) {
        perror("embed: no terminal");
        return -1;
    }
    close(here);
    return pthread_create(&thread, NULL, typist, there) == 0 ? 0 : -1;
}

static int
start(void)
{
    const char *python = getenv("HK_TEST_PYTHON");
    PyConfig config;
    PyStatus status;

    PyConfig_InitPythonConfig(&config);
    status = python == NULL ? PyStatus_Ok()
                            : PyConfig_SetBytesString(&config, &config.program_name, python);
    if (!PyStatus_Exception(status)) {
        status = Py_InitializeFromConfig(&config);
    }
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        fprintf(stderr, "embed: %s: %s\n", status.func ? status.func : "start", status.err_msg);
        return -1;
    }
    return 0;
}

int
main(void)
{
    int there;

    unsetenv("HOOKING");
    setenv("TERM", "xterm", 1);
    setenv("INPUTRC", "/dev/null", 1);
    if (open_terminal(&there) < 0) {
        return 1;
    }
    alarm(PATIENCE); /* rather than hang */
    for (int round = 1; round <= ROUNDS; round++) {
        if (start() < 0) {
            return 1;
        }
        if (PyRun_SimpleString(use) < 0) {
            fprintf(stderr, "embed: round %d of %d failed\n", round, ROUNDS);
            return 1;
        }
        if (Py_FinalizeEx() < 0) {
            fprintf(stderr, "embed: round %d of %d: finalize failed\n", round, ROUNDS);
            return 1;
        }
    }
    fprintf(stderr, "embed: %d rounds\n", ROUNDS);
    return 0;
}
