# Completion of dvt for bash:  source <(dvt completions bash)
_dvt() {
    local line="${COMP_LINE:0:COMP_POINT}" piece="${COMP_WORDS[COMP_CWORD]}" word about
    local -a words
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    # bash breaks words at `@`, `=` and `:`; what stands before the last break is not ours to write again.
    local last="${words[${#words[@]} - 1]}"
    local before="${last%"$piece"}"
    COMPREPLY=()
    while IFS=$'\t' read -r word about; do
        if [[ $word == :files ]]; then
            compopt -o filenames
            while read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$last")
        else
            COMPREPLY+=("${word#"$before"}")
        fi
    done < <(dvt __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -F _dvt dvt
