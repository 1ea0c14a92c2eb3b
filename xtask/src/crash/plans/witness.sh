# Sourced by each step of the harness. `begin` looks for a living copy of this attempt and bears witness of the start,
# `end` bears witness of the end. The file lies outside of everything that DVT writes.
bear() { echo "$1 $DVT_STEP_ID $DVT_ATTEMPT $DVT_TOKEN $$" >>"$WITNESS"; }
begin() {
  while read -r word step attempt token pid; do
    if [ "$word" = start ] && [ "$token" = "$DVT_TOKEN" ] && kill -0 "$pid" 2>/dev/null; then
      echo "alive $step $attempt $token $pid" >>"$WITNESS"
    fi
  done <"$WITNESS"
  bear start
}
# The same, of a step beside which no other `alone-` step may live.
begin_alone() {
  while read -r word step attempt token pid; do
    case "$step" in alone-*) ;; *) continue ;; esac
    if [ "$word" = start ] && [ "$step" != "$DVT_STEP_ID" ] && kill -0 "$pid" 2>/dev/null; then
      echo "alive $step $attempt $token $pid" >>"$WITNESS"
    fi
  done <"$WITNESS"
  begin
}
end() { bear end; }
