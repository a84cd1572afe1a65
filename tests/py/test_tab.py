"""The Tab key at the screen: what is inserted, what is listed, and that the block stands below the list again."""

import pytest

PROGRAM = '''
    from hooking import hook
    def f(x):
        alpha_one = alpha_two = 1
        beta_only = [1, 2]
        hook()
        print("went on with", x)
    f("X")
'''


def test_one_candidate_is_inserted(opened):
    t = opened()
    t.type("beta_").key("Tab").shows(">>> beta_only|")
    t.type(".appe").key("Tab").shows(">>> beta_only.append|")


def test_a_blank_follows_a_command(opened):
    t = opened()
    t.type("sour").key("Tab").type("f").shows(">>> source f|").key("Tab", "Enter")
    t.prompt()
    assert "def f(x):" in t.text()


def test_the_common_part_is_inserted(opened):
    t = opened()
    t.type("alp").key("Tab").shows(">>> alpha_|")


def test_a_tab_that_inserts_nothing_lists(opened):
    t = opened()
    t.type("alp").key("Tab").shows(">>> alpha_|").key("Tab")
    t.shows(">>> alpha_", "alpha_one  alpha_two", ">>> alpha_|")
    t.type("on").key("Tab").shows(">>> alpha_", "alpha_one  alpha_two", ">>> alpha_one|")


def test_tab_without_a_candidate_changes_nothing(opened):
    t = opened()
    t.type("no_such_").key("Tab", "Tab").type("x").shows(">>> no_such_x|")


def test_tab_in_the_middle_of_a_word_keeps_what_follows(opened):
    t = opened()
    t.type("print(alpha_o, 2)").key("Left", "Left", "Left", "Left").key("Tab").shows(">>> print(alpha_one|, 2)")


@pytest.mark.parametrize("program", ["import readline", "import cmd, code, pdb", "import rlcompleter"])
def test_a_program_that_uses_readline_itself(opened, program):
    """CPython's module makes Tab insert itself."""
    t = opened(f"{program}\nfrom hooking import hook\nalpha_one = alpha_two = 1\nhook()\n")
    t.type("alp").key("Tab").shows(">>> alpha_|").key("Tab").shows(">>> alpha_", "alpha_one  alpha_two", ">>> alpha_|")


def test_a_tab_key_of_the_users_own(opened):
    t = opened(inputrc="Tab: self-insert\n")
    t.type("alp").key("Tab").type("x").shows(">>> alp     x|")


def test_show_all_if_ambiguous(opened):
    t = opened(inputrc="set show-all-if-ambiguous on\n")
    t.type("alp").key("Tab").shows(">>> alpha_", "alpha_one  alpha_two", ">>> alpha_|")


def test_a_long_list_says_how_many_more(opened):
    t = opened('''
        from hooking import hook
        def f():
            for i in range(1234): exec(f"name_{i:04} = 1", globals())
            hook()
        f()
    ''')
    t.type("name_").key("Tab")
    t.expect("name_0000")
    t.until(lambda: t.shown().endswith("more (Tab)\n>>> name_|"), "the list and the prompt below it")
    shown = t.shown().split("\n")
    names = [word for row in shown for word in row.split() if len(word) == len("name_0000")]
    assert shown[-2] == f"... {1234 - len(names):,} more (Tab)", shown
    assert len(shown) <= 24


def test_a_further_tab_lists_the_next_page(opened):
    t = opened("""
        from hooking import hook
        def f():
            for i in range(300): exec(f"name_{i:03} = 1", globals())
            hook()
        f()
    """)
    t.type("name_")
    for page, (first, left) in enumerate([("name_000", 140), ("name_160", 100), ("name_000", 140)]):
        t.key("Tab") if page == 0 else t.key("Tab")
        t.expect(first)
        t.expect(f"... {left} more")
        t.until(lambda: t.left_of_cursor() == ">>> name_", "the prompt")
    t.type("1").key("Tab")
    t.expect("name_100")


def test_a_list_as_narrow_as_the_screen(opened):
    t = opened(columns=15)
    t.type("alpha_").key("Tab").shows(">>> alpha_", "alpha_one", "alpha_two", ">>> alpha_|")


@pytest.mark.parametrize("way, first", [("off", "alpha_a  alpha_c"), ("on", "alpha_a  alpha_b")])
def test_lists_go_down_or_across(opened, way, first):
    t = opened('''
        from hooking import hook
        alpha_a = alpha_b = alpha_c = alpha_d = 1
        hook()
    ''', columns=20, inputrc=f"set print-completions-horizontally {way}\n")
    t.type("alpha_").key("Tab").expect("\n" + first + "\n")


def test_a_list_in_the_middle_of_a_block(opened):
    t = opened()
    t.lines("if x:", "alpha_", "print(x)").key("Up", "C-e")
    t.shows(">>> if x:", "...     alpha_|", "...     print(x)")
    t.key("Tab").shows('''
        >>> if x:
        ...     alpha_
        ...     print(x)
        alpha_one  alpha_two
        >>> if x:
        ...     alpha_|
        ...     print(x)
    ''')


def test_menu_complete_goes_through_the_candidates(opened):
    t = opened(inputrc="TAB: menu-complete\n\"\\e[Z\": menu-complete-backward\n")
    t.type("alp").key("Tab").shows(">>> alpha_one|").key("Tab").shows(">>> alpha_two|")
    t.key("Tab").shows(">>> alp|").key("Tab").shows(">>> alpha_one|")
    t.type("\x1b[Z").shows(">>> alp|").type("\x1b[Z").shows(">>> alpha_two|")


def test_meta_question_mark_lists_and_meta_star_inserts_all(opened):
    t = opened()
    t.type("alp").key("M-?").shows(">>> alp", "alpha_one  alpha_two", ">>> alp|")
    t.key("M-*").shows(">>> alp", "alpha_one  alpha_two", ">>> alpha_one alpha_two |")


@pytest.mark.parametrize("key, rows", [
    ("\\", [">>> beta_only|"]), ("*", [">>> beta_only |"]), ("=", [">>> beta_", "beta_only", ">>> beta|_"])])
def test_vi_mode(opened, key, rows):
    t = opened(inputrc="set editing-mode vi\n")
    t.type("beta_").key("Escape").shows(">>> beta|_").type(key)
    t.shows(*rows)


def test_a_path_is_listed_by_its_last_part(opened, tmp_path):
    folder = tmp_path / "some_folder"
    folder.mkdir()
    for name in ("one.txt", "two.txt"):
        (folder / name).write_text("")
    t = opened()
    t.type("open('some_folder/").key("Tab")
    t.shows(">>> open('some_folder/", "one.txt  two.txt", ">>> open('some_folder/|")
    t.type("o").key("Tab").expect("open('some_folder/one.txt'")


def test_disable_completion(opened):
    t = opened(inputrc="set disable-completion on\n")
    t.type("beta_").key("Tab").type("x").shows(">>> beta_   x|")
    t.key("C-u", "Tab").type("x").shows(">>>     x|")


def test_nothing_of_the_program_is_run(opened):
    t = opened('''
        from hooking import hook
        class Trap:
            def __getattr__(self, name): print("ran"); raise SystemExit
            def __dir__(self): print("ran"); raise SystemExit
            @property
            def prop(self): print("ran"); raise SystemExit
        trap = Trap()
        hook()
    ''')
    t.type("trap.pr").key("Tab").shows(">>> trap.prop|")


def test_names_that_cannot_be_typed_in_this_encoding_are_left_out(opened):
    t = opened("from hooking import hook\nnaïve = nabla = 1\nhook()\n",
               env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
    t.type("na").key("Tab").shows(">>> nabla|")
