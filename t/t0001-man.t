#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every manual page is clean and installed, every subcommand has one.
. "${srcdir:-.}/t/tap.sh"

cd "$srcdir" || exit 1
# pages that are another name of one, and all the others
grep -l '^\.so ' man/*.[1-8] >"$WORK/names"
grep -L '^\.so ' man/*.[1-8] >"$WORK/pages"
if command -v mandoc >/dev/null; then
	is "$(xargs mandoc -T lint -W warning <"$WORK/pages" 2>&1)" '' \
		'no page has a warning'
else
	skip 'no page has a warning' 'there is no mandoc'
fi
while IFS= read -r name; do
	page=$(sed -n 's/^\.so man[1-8]\///p' "$name")
	[ -s "man/$page" ] || echo "$name: $page"
done <"$WORK/names" >"$WORK/lost"
is "$(cat "$WORK/lost")" '' 'every other name leads to a page'
cat ./*/build.am >"$WORK/fragments"
for page in man/*.[1-8]; do
	grep -Eq "(^|[[:space:]])$page([[:space:]]|\$)" "$WORK/fragments" ||
		echo "$page"
done >"$WORK/unlisted"
is "$(cat "$WORK/unlisted")" '' 'every page is in a build.am'
words=$(sed -n 's/^SUBCOMMAND([^,]*, "\([^"]*\)".*/\1/p' cmd/subcommands.h)
for word in $words; do
	[ -e "man/weir-$word.1" ] || echo "$word"
done >"$WORK/missing"
[ -n "$words" ]
ok $? 'there are subcommands'
for page in man/weir-*.1; do
	word=$(basename "$page" .1)
	grep -q "Xr $word 1" man/weir.1 || echo "$word"
done >"$WORK/unlisted"
is "$(cat "$WORK/unlisted")" '' 'weir(1) tells of every command'
is "$(cat "$WORK/missing")" '' 'every subcommand has a page'
done_testing
