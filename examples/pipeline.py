"""The totals of some files, one of which was written in another country: python examples/pipeline.py

The console opens in the frame that raised. Try `decimal = ","` and `retry`; or `return []`, which leaves the file out;
or Ctrl-D, which lets the exception go on.
"""

from hooking import rescue

FILES = {
    "january.csv": "3;12.50\n9;8.00",
    "february.csv": "11;13.25",
    "march.csv": "2;4.00\n5;7,25\n28;1,00",
    "april.csv": "1;30.00",
}


@rescue
def amounts(name, decimal="."):
    found = []
    for line in FILES[name].splitlines():
        day, text = line.split(";")
        found.append(float(text.replace(decimal, ".")))
    return found


def main():
    for name in FILES:
        try:
            print(f"{name}: {sum(amounts(name)):.2f}")
        except ValueError as error:
            print(f"{name}: {error}")


if __name__ == "__main__":
    main()
