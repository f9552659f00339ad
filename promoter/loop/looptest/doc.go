// Package looptest holds the contracts of what the loop asks of the world: each
// interface that the loop declares and that has more than one implementation
// has its points here, and the real adapter and the model of the simulation are
// held to the same ones. A model that keeps them does not lie to the laws.
//
// Each contract is a file named after what it is about and a function that runs
// every point as a subtest, with a sentence for its name: [RepoContract] in
// repo.go holds what reads and writes Git, [RegistryContract] what reads
// versions, [ProofsContract] signatures and [HealthContract] health,
// [PublisherContract] what publishes. To ask more of all implementations, add a
// point there.
package looptest
