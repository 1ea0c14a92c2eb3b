# Joins paid orders with their customers and sums them by country.
# usage: transform.sh --since=YYYY-MM-DD
#
# The rates service of this example is busy the first time somebody asks: exit 75 says "try again later", and the plan
# retries exactly that. Other exit statuses are failures and are not retried.
set -euo pipefail
since=${1#--since=}

if [ "${DVT_ATTEMPT:-1}" = 1 ]; then
    echo 'transform: the rates service is busy' >&2
    exit 75
fi

join -t , -1 1 -2 2 -o 1.3,2.3,2.6,2.7 \
    <(tail -n +2 data/customers.csv | sort -t , -k 1,1) \
    <(tail -n +2 data/orders.csv | sort -t , -k 2,2) |
    awk -F , -v since="$since" '
        $4 == "paid" && $2 >= since { orders[$1]++; cents[$1] += $3 }
        END { for (country in cents) printf "%s,%d,%d\n", country, orders[country], cents[country] }
    ' |
    sort |
    awk -F , '
        { list = list separator sprintf("{\"cents\":%d,\"country\":\"%s\",\"orders\":%d}", $3, $1, $2)
          separator = ","; total += $3 }
        END { printf "{\"countries\":[%s],\"totalCents\":%d}\n", list, total }
    '
