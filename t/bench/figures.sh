# SPDX-License-Identifier: Apache-2.0
# What the tests of weir bench share; sourced after t/tap.sh.
weir=$builddir/cmd/weir
cd "$WORK" || exit 1
export XDG_CONFIG_HOME="$WORK"

# The fields of each object, in order.
form='^\{"name":"[a-z.-]+","value":[0-9.e+-]+,"unit":"[A-Za-z/]+",'
form=$form'"baseline":[0-9.e+-]+,"ratio":[0-9.e+-]+,"n":[0-9]+[,}]'

# figures NAME...: the output of the command just run has lines of that form
# with these names, in order.
figures()
{
	[ "$?" = 0 ]
	ok $? "$what" || diag "$(cat err)"
	is "$(sed 's/^{"name":"\([^"]*\)".*/\1/' out | tr '\n' ' ')" "$* " \
		"$what: the figures"
	is "$(grep -Ev "$form" out)" '' "$what: the form of each"
}
