#!/bin/sh
# A wrapper of rustc that cargo calls: the crates that read foreign text are built with LLVM's coverage of edges and of
# comparisons; everything else, the fuzzer above all, as ever. Without `max-loads-per-memcmp` short texts would be compared
# by machine words after the instrumentation has run, and nobody would see with what.
for word in "$@"; do
  case "$last$word" in
    --crate-name=dvt_plan | --crate-name=dvt_import | --crate-name=dvt_scrub | --crate-name=dvt_fuzz_planted)
      exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-trace-compares \
        -Cllvm-args=-max-loads-per-memcmp=0
      ;;
  esac
  last=
  [ "$word" = --crate-name ] && last=--crate-name=
done
exec "$@"
