# Books one thing. The token is the same however often DVT has to start this attempt: a service that knows it books once.
printf '{"reservation":"%s of %s","known":%s}\n' "$1" "$TRAVELLER" "$([ -n "$DVT_TOKEN" ] && echo true || echo false)"
