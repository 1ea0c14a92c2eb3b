# A busy hotel: exit 75 says "try again later".
if [ "$DVT_ATTEMPT" -lt 3 ]; then
  echo "the hotel does not answer" >&2
  exit 75
fi
exec bash steps/book.sh hotel
