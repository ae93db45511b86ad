#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What libweir.so exports is what weir.h declares and what the manual says.
. "${srcdir:-.}/t/tap.sh"

lib=$builddir/libclient/.libs/libweir.so
[ -e "$lib" ] || skip_all "there is no $lib"
command -v nm >/dev/null || skip_all "nm not found"

nm -D --defined-only "$lib" | awk '{ print $NF }' | sort >"$WORK/exported"
ok "$(grep -vc '^weir_' "$WORK/exported")" "it exports weir_* alone"
[ "$(wc -l <"$WORK/exported")" -gt 80 ]
ok $? "and that is the whole library"

sed -n 's/^WEIR_API .*[ *]\(weir_[a-z0-9_]*\)(.*/\1/p' \
	"$srcdir/libclient/weir.h" | sort >"$WORK/declared"
is "$(cat "$WORK/exported")" "$(cat "$WORK/declared")" \
	"each function of weir.h is exported, and nothing else"

cd "$srcdir/man" || exit 1
pages=$(grep -L '^\.so ' libweir.3 weir_*.3)
for name in $(cat "$WORK/exported"); do
	page=$(grep -lE "^\.Nm $name( ,)?\$" $pages) || {
		echo "$name: in no page's NAME"
		continue
	}
	grep -qE "^\.(Fn|Fo) $name( |\$)" $page ||
		echo "$name: not in the synopsis of $page"
	[ "$page" = "$name.3" ] ||
		[ "$(cat "$name.3" 2>&1)" = ".so man3/$page" ] ||
		echo "$name.3 does not lead to $page"
done >"$WORK/wrong"
is "$(cat "$WORK/wrong")" "" "each is in a manual page, and has a page"

sed -n 's/^\.Fn \(weir_[a-z0-9_]*\).*/\1/p; s/^\.Fo \(weir_.*\)/\1/p' $pages |
	grep -v '_f$' | sort -u >"$WORK/named"
is "$(comm -23 "$WORK/named" "$WORK/exported")" "" \
	"the pages name no function that there is not"

if command -v mandoc >/dev/null; then
	mandoc -T lint -W warning $pages >"$WORK/lint" 2>&1
	is "$(grep -v 'referenced manual not found' "$WORK/lint")" "" \
		"the pages are in order"
else
	skip "the pages are in order" "mandoc not found"
fi
done_testing
