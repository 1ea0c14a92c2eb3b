#compdef dvt
# Completion of dvt for zsh:  source <(dvt completions zsh)   or put it as `_dvt` into a folder of $fpath
_dvt() {
    local word about files
    local -a found
    while IFS=$'\t' read -r word about; do
        if [[ $word == :files ]]; then
            files=1
        else
            found+=("${word//:/\\:}${about:+:$about}")
        fi
    done < <(dvt __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    (( ${#found} )) && _describe -V dvt found
    [[ -n $files ]] && _files
}
if [[ ${funcstack[1]} == _dvt ]]; then
    _dvt "$@"
else
    compdef _dvt dvt
fi
