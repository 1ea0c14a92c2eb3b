# Reads one table and says how many rows it has and what their checksum is.
# usage: extract.sh TABLE
set -euo pipefail
table=$1
source="data/$table.csv"
echo "extract: reading $source" >&2

columns=$(head -n 1 "$source")
rows=$(tail -n +2 "$source" | wc -l)
sum=$(tail -n +2 "$source" | sort | sha256sum | cut -d ' ' -f 1)

printf '{"table":"%s","columns":["%s"],"rows":%d,"sha256":"%s"}\n' "$table" "${columns//,/\",\"}" "$rows" "$sum"
