// Command waveguide promotes verified digests through the environments of a
// GitOps repository, wave by wave, by opening minimal proposals.
//
// main.go starts it; every subcommand is one file named after it; wire.go
// makes the adapters and hands them to the loop. The words of the program are
// explained in package promoter.
//
// Exit codes: 0 done, 1 error, 2 wrong usage or configuration, 3 refused.
package main
