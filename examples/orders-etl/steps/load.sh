# Loads the countries into the warehouse (here: one CSV file in this step's own folder) and proves the load by reading
# it back. The rows arrive on standard input as the JSON of `with`, its keys in order.
set -euo pipefail
warehouse="$TMPDIR/warehouse.csv"

perl -0777 -ne 'print "$2,$3,$1\n" while /"cents":(\d+),"country":"([A-Z]{2})","orders":(\d+)/g' > "$warehouse"

rows=$(wc -l < "$warehouse")
cents=$(awk -F , '{ sum += $3 } END { printf "%d", sum }' "$warehouse")
if [ "$cents" != "$EXPECTED" ]; then
    echo "load: $cents cents arrived, $EXPECTED were sent" >&2
    exit 1
fi
printf '{"rows":%d,"cents":%d,"sha256":"%s"}\n' "$rows" "$cents" "$(sha256sum < "$warehouse" | cut -d ' ' -f 1)"
