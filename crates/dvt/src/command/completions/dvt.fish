# Completion of dvt for fish:  dvt completions fish | source
function __dvt_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in (dvt __complete -- $words[2..-1] "$current" 2>/dev/null)
        if test "$line" = ":files"
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c dvt -f -a '(__dvt_complete)'
