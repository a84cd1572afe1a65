"""Totals of orders, one line of which was written in another country: python examples/orders.py

The console opens in the frame that raised. Try `up`, then `line`, then `sums`; `where` shows how it got there.
"""

from hooking import post_mortem

ORDERS = """\
ann;12.50
bob;3.00
ann;7,25
"""


def price(text):
    return float(text)


def totals(lines):
    sums = {}
    for line in lines:
        customer, text = line.split(";")
        sums[customer] = sums.get(customer, 0) + price(text)
    return sums


def main():
    try:
        print(totals(ORDERS.splitlines()))
    except ValueError as error:
        post_mortem()
        print(f"no totals: {error}")


if __name__ == "__main__":
    main()
