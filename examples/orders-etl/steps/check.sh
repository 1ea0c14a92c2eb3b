# Refuses to go on unless both tables are whole: the counts of the extracts, unique keys, no order without its customer.
set -euo pipefail

awk -F , -v orders="$ORDERS" -v customers="$CUSTOMERS" '
    FNR == 1 { next }
    FILENAME ~ /customers/ { known[$1] = 1; people++; next }
    {
        rows++
        if ($1 in seen) { print "check: order " $1 " stands twice" > "/dev/stderr"; bad++ }
        if (!($2 in known)) { print "check: order " $1 " has no customer " $2 > "/dev/stderr"; bad++ }
        if ($6 !~ /^[0-9]+$/) { print "check: order " $1 " has no amount" > "/dev/stderr"; bad++ }
        seen[$1] = 1
    }
    END {
        if (rows != orders || people != customers) { print "check: a table changed after its extract" > "/dev/stderr"; bad++ }
        if (bad) exit 1
        printf "{\"rows\":%d,\"customers\":%d,\"problems\":0}\n", rows, people
    }
' data/customers.csv data/orders.csv
