#!/bin/sh
# Bears witness of its start and its end in a file outside of everything that DVT writes.
# The step in which the engine is killed rings a bell and waits until it was.
echo "start $DVT_STEP_ID $DVT_ATTEMPT $DVT_TOKEN" >>"$1/witness"
if [ "$DVT_STEP_ID" = train ]; then
  echo begun >"$1/bell"
  until [ -e "$1/gate" ]; do sleep 0.05; done
fi
echo "end $DVT_STEP_ID $DVT_ATTEMPT $DVT_TOKEN" >>"$1/witness"
