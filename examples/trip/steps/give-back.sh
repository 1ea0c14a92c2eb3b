# Gives a reservation back. It may be asked twice, so giving back what is gone is no failure. The first try at the hotel
# meets the same busy desk.
if [ "$1" = hotel ] && [ "$DVT_ATTEMPT" -lt 2 ]; then
  exit 75
fi
printf '{"givenBack":"%s"}\n' "$RESERVATION"
