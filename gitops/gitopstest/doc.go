// Package gitopstest holds the contract that every forge keeps: each adapter
// runs it against a real or a faithful server, and the servers that are fakes
// are held to it by the same run. To ask more of all forges, add a case to
// basics.go, stops.go, work.go, faulty.go or races.go and name it in
// [ForgeContract].
//
// An adapter's test makes, for every case, a forge with one repository of its
// own, served over HTTP with real Git behind it:
//
//	func TestContract(t *testing.T) {
//		t.Parallel()
//		gitopstest.ForgeContract(t, func(t *testing.T) gitopstest.Forge {
//			fake := newFake(t)                                   // a server on loopback, seeded with a commit on main
//			faults := gitopstest.NewFaults(http.DefaultTransport) // every call of the bot goes through it
//			client := func() gitopstest.Client { return github.New(github.Options{HTTP: &http.Client{Transport: faults}}) }
//			return gitopstest.Forge{
//				Bot: client(), Fresh: client, Faults: faults,
//				Push: fake.push,             // git push as the bot
//				Act:  fake.act,              // what people do, by the server's own means
//				DisableIssues: fake.noIssues, Withdraw: fake.readOnly, Queue: fake.queue, // nil where a forge has none
//			}
//		})
//	}
//
// The required check of the protected branch is gitops.CheckName: the server
// must refuse a merge without it. People are known by what they may do:
// [Forge.Act] is asked with gitops.PermissionTriage for somebody who can label,
// comment, open, edit and close issues but has no right to end a stop, and
// with gitops.PermissionWrite for somebody who has it.
//
// Ids of proposals and issues are opaque: where a forge numbers them apart,
// the id says which it is ("!7", "#7"). Events keep the order of the forge, and
// their ids are the same in every reading. What the contract counts is
// requests on the wire; limits per look are asserted by each adapter's own test.
package gitopstest
