#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program in an instance ends by SIGPIPE as it would outside.
. "${srcdir:-.}/t/tap.sh"


set -- $(weir start grep SigIgn /proc/self/status 2>"$WORK/err")
is "$1" SigIgn: 'the program runs' || diag "$(cat "$WORK/err")"
is "$((0x$2 & 0x1000))" 0 'SIGPIPE is not ignored in it'
done_testing
