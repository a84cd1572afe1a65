# Macros of this project. Each stops with one line that says what to install.

# HK_PYTHON(MINIMUM)
# ------------------
# Find a Python not older than MINIMUM and its headers. The user says which one
# with PYTHON=... or --with-python=...; else the first that is new enough.
# Sets PYTHON, PYTHON_CPPFLAGS, PYTHON_EMBED_LIBS, pythondir, and the default of
# $prefix: what is installed goes to where this Python looks (a venv, for one).
AC_DEFUN([HK_PYTHON],
[AC_ARG_VAR([PYTHON], [the Python to build for (at least $1)])
AC_ARG_WITH([python],
  [AS_HELP_STRING([--with-python=PYTHON], [the same as PYTHON=PYTHON])],
  [AS_CASE([$withval], [yes|no], [], [PYTHON=$withval])])
AC_CACHE_CHECK([for Python >= $1], [hk_cv_python],
  [hk_cv_python=none
   hk_try="import sys; sys.exit(sys.version_info < tuple(map(int, '$1'.split('.'))) or sys.implementation.name != 'cpython')"
   for hk_py in ${PYTHON:-python3 python3.15 python3.14 python3.13 python3.12 python3.11 python}; do
     AS_IF([$hk_py -c "$hk_try" >&AS_MESSAGE_LOG_FD 2>&1],
       [hk_cv_python=`$hk_py -c 'import sys; print(sys.executable)'`; break])
   done])
AS_IF([test "x$hk_cv_python" = xnone],
  [AC_MSG_ERROR([no CPython >= $1 found${PYTHON:+ ($PYTHON is none)}: apt install python3 python3-dev, or say which with PYTHON=/path/to/python3])])
PYTHON=$hk_cv_python

# Every fact about this Python in one go, as shell assignments.
AC_MSG_CHECKING([what $PYTHON says of itself])
eval `$PYTHON - <<'HK_EOF'
[import shlex, sys, sysconfig
var = sysconfig.get_config_var
fixed = '$''{prefix}'
here = sysconfig.get_path('platlib')
there = sysconfig.get_path('platlib', vars=dict.fromkeys(
    ('base', 'platbase', 'installed_base', 'installed_platbase'), fixed))
libdir = var('LIBDIR') or ''
lib = '-lpython' + (var('LDVERSION') or '')
embed = (['-L' + libdir, '-Wl,-rpath,' + libdir] if libdir not in ('', '/usr/lib', '/lib') else []) + [
    lib, var('LIBS') or '', var('SYSLIBS') or '']
facts = dict(
    version='%d.%d' % sys.version_info[:2],
    prefix=sys.prefix,
    include=sysconfig.get_path('include'),
    # Debian's /usr/local: "local" is a part of the path there, not of the prefix
    here=here, there=there.replace(fixed + '/local/', fixed + '/'),
    embed=' '.join(filter(None, embed)))
for name, value in facts.items():
    print('hk_py_%s=%s' % (name, shlex.quote(value)))
]HK_EOF
`
AS_IF([test "x$hk_py_version" = x], [AC_MSG_ERROR([$PYTHON has no sysconfig: apt install python3-dev])])
AC_MSG_RESULT([$hk_py_version, headers in $hk_py_include])

# Without --prefix it goes to where this Python looks; with it, below that.
AS_IF([test "x$prefix" = xNONE],
  [prefix=$hk_py_prefix
   hk_pythondir=$hk_py_here],
  [hk_pythondir=$hk_py_there])
AC_SUBST([pythondir], [$hk_pythondir])

AC_SUBST([PYTHON_CPPFLAGS], ["-isystem $hk_py_include"])
AC_SUBST([PYTHON_EMBED_LIBS], [$hk_py_embed])
hk_save_CPPFLAGS=$CPPFLAGS
CPPFLAGS="$CPPFLAGS $PYTHON_CPPFLAGS"
AC_MSG_CHECKING([for Python.h])
AC_COMPILE_IFELSE(
  [AC_LANG_PROGRAM([[#include <Python.h>]], [[return !PY_VERSION_HEX;]])],
  [AC_MSG_RESULT([yes])],
  [AC_MSG_RESULT([no])
   AC_MSG_ERROR([no Python.h for $PYTHON ($hk_py_version) in $hk_py_include: apt install python$hk_py_version-dev])])
hk_save_LIBS=$LIBS
LIBS="$PYTHON_EMBED_LIBS $LIBS"
AC_MSG_CHECKING([whether a program links with libpython$hk_py_version])
AC_LINK_IFELSE(
  [AC_LANG_PROGRAM([[#include <Python.h>]], [[Py_Initialize();]])],
  [hk_embed=yes], [hk_embed=no])
AC_MSG_RESULT([$hk_embed])
AM_CONDITIONAL([HAVE_EMBED], [test $hk_embed = yes])
LIBS=$hk_save_LIBS
CPPFLAGS=$hk_save_CPPFLAGS
])

# HK_READLINE(MINIMUM)
# --------------------
# GNU readline, and not libedit's emulation of it, which lacks what a guest in
# another program's process needs to put everything back.
AC_DEFUN([HK_READLINE],
[PKG_CHECK_MODULES([READLINE], [readline >= $1], [],
  [AC_MSG_ERROR([no GNU readline >= $1 found by pkg-config: apt install libreadline-dev])])
AC_MSG_CHECKING([that it is GNU readline])
hk_save_CPPFLAGS=$CPPFLAGS
hk_save_LIBS=$LIBS
CPPFLAGS="$CPPFLAGS $READLINE_CFLAGS"
LIBS="$READLINE_LIBS $LIBS"
AC_LINK_IFELSE([AC_LANG_PROGRAM(
[[#include <stdio.h>
#include <readline/readline.h>
#include <readline/history.h>
]], [[struct readline_state state;
      rl_save_state (&state);
      rl_set_keymap (rl_copy_keymap (rl_get_keymap ()));
      rl_restore_state (&state);
      rl_deprep_terminal ();
      return !rl_gnu_readline_p || rl_getc (stdin) < 0;]])],
  [AC_MSG_RESULT([yes])],
  [AC_MSG_RESULT([no])
   AC_MSG_ERROR([this readline ($READLINE_LIBS) is not GNU readline, libedit cannot serve: apt install libreadline-dev])])
LIBS=$hk_save_LIBS
CPPFLAGS=$hk_save_CPPFLAGS
])

# HK_KNOWN_FLAGS(VARIABLE, FLAG...)
# ---------------------------------
# Append to VARIABLE each of the FLAGs that the compiler knows.
AC_DEFUN([HK_KNOWN_FLAGS],
[hk_save_CFLAGS=$CFLAGS
for hk_flag in $2; do
  # gcc takes any -Wno-x in silence, hence -Werror and the positive spelling
  CFLAGS="$hk_save_CFLAGS -Werror $hk_flag"
  AC_MSG_CHECKING([whether $CC knows $hk_flag])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[]], [[]])],
    [AC_MSG_RESULT([yes]); AS_VAR_APPEND([$1], [" $hk_flag"])],
    [AC_MSG_RESULT([no])])
done
CFLAGS=$hk_save_CFLAGS
])

# HK_SWITCH(NAME, WHAT IT DOES)
# -----------------------------
# --enable-NAME, off unless asked for; sets $enable_NAME to yes or no.
AC_DEFUN([HK_SWITCH],
[AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [enable_$1=no])])

# HK_XXHASH
# ---------
# The header of libxxhash, whose functions are compiled in: XXH3 came with 0.8.
AC_DEFUN([HK_XXHASH],
[AC_MSG_CHECKING([for xxhash.h with XXH3])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM(
[[#define XXH_INLINE_ALL
#include <xxhash.h>
]], [[return (int)XXH3_128bits("", 0).low64;]])],
  [AC_MSG_RESULT([yes])],
  [AC_MSG_RESULT([no])
   AC_MSG_ERROR([no xxhash.h of libxxhash >= 0.8: apt install libxxhash-dev])])
])
