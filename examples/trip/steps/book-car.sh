# No car, no trip: what was booked before is taken back by DVT, in reverse order.
if [ "$CARS" -eq 0 ]; then
  echo "no car is left" >&2
  exit 1
fi
exec bash steps/book.sh car
