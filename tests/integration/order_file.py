#!/usr/bin/env python3
"""What the balances must be after an order file was played: computed without any of our code.

    order_file.py FILE.csv[.gz] [--opening demand|N]       prints sku,on_hand

The rules are those of the file's own description (../shared/data/README.md), played one order at a
time in the plainest way. Python's csv module reads the file; a dictionary is the stock.
"""

import argparse
import csv
import gzip
import sys

NOT_STOCK = {"POST", "DOT", "M", "m", "C2", "D", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK",
             "PADS"}


def rows(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["StockCode"] in NOT_STOCK or row["StockCode"].startswith("gift_"):
                continue
            yield (row["InvoiceNo"], row["StockCode"], int(row["Quantity"]),
                   float(row["UnitPrice"]), row["CustomerID"])


def events(path):
    """("order", [(sku, units), ...]) or ("in" | "out", [(sku, units)]), in file order."""
    found = []
    orders = {}
    for invoice, sku, quantity, price, customer in rows(path):
        if invoice.startswith("C"):
            found.append(("in", [(sku, -quantity)]))
        elif quantity < 0:
            found.append(("out", [(sku, -quantity)]))
        elif price == 0 and customer == "":
            found.append(("in", [(sku, quantity)]))
        elif invoice in orders:
            orders[invoice].append((sku, quantity))
        else:
            orders[invoice] = [(sku, quantity)]
            found.append(("order", orders[invoice]))
    return found


def added_up(lines):
    units = {}
    for sku, quantity in lines:
        units[sku] = units.get(sku, 0) + quantity
    return units


def play(path, opening):
    """The stock at the end, and how many orders and moves were refused."""
    played = events(path)
    stock = {}
    for kind, lines in played:
        for sku, units in lines:
            if opening == "demand":
                if kind != "in":
                    stock[sku] = stock.get(sku, 0) + units
            else:
                stock[sku] = int(opening)
    stock = {sku: units for sku, units in stock.items() if units > 0}

    totals = {"orders": 0, "orders_refused": 0, "moves": 0, "moves_refused": 0, "units": 0,
              "lines": 0}
    for kind, lines in played:
        totals["lines"] += len(lines)
        wanted = added_up(lines)
        what = "orders" if kind == "order" else "moves"
        totals[what] += 1
        if kind == "in":
            for sku, units in wanted.items():
                stock[sku] = stock.get(sku, 0) + units
        elif all(stock.get(sku, 0) >= units for sku, units in wanted.items()):
            for sku, units in wanted.items():
                stock[sku] -= units
            if kind == "order":
                totals["units"] += sum(wanted.values())
        else:
            totals[what + "_refused"] += 1
    return stock, totals


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file")
    parser.add_argument("--opening", default="demand")
    arguments = parser.parse_args()
    stock, totals = play(arguments.file, arguments.opening)
    print("sku,on_hand")
    for sku in sorted(stock):
        print(f"{sku},{stock[sku]}")
    print(totals, file=sys.stderr)


if __name__ == "__main__":
    main()
