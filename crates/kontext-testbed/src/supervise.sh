# Runs a program for a test process, and ends it when that process is gone, however it went.
#
# usage: sh supervise.sh FOLDER PROGRAM [ARGUMENT...]
#
# Standard input is a pipe whose other end only the test process holds: its end of file means "stop now". The kernel
# closes it also when the test process is killed, so that nothing has to be asked of it. The program's output goes to
# FOLDER/log, its exit code to FOLDER/exit. FOLDER is removed at the end, unless KONTEXT_TESTBED_KEEP says otherwise.
folder=$1
shift
exec 3<&0 </dev/null

"$@" >"$folder/log" 2>&1 3<&- &
program=$!

# A subshell, so that the wait for the pipe and the wait for the program go on side by side. Without the exit file the
# program has not been waited for, and its process id is still its own.
( read -r _ <&3; [ -e "$folder/exit" ] || kill -KILL "$program" ) >/dev/null 2>&1 &
watcher=$!
exec 3<&-

echo "$program"
exec >/dev/null

# The shell's own remark on a killed program is not news.
wait "$program" 2>/dev/null
echo $? >"$folder/exit.part"
mv "$folder/exit.part" "$folder/exit"

# A program that ended by itself leaves its log to be read until the test process lets go.
wait "$watcher"
[ -n "${KONTEXT_TESTBED_KEEP:-}" ] || rm -rf "$folder"
