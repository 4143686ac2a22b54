// Package intake takes the vendors' webhooks: it authenticates, keeps and acknowledges them, and wakes the loop.
//
// A webhook is a hint. Nothing in it is believed; the truth is read through the vendors' APIs afterwards, and polling
// alone reaches the same end. So a delivery that is replayed by somebody who saw it makes sopd look once more, no more;
// its age is not judged.
//
// An endpoint without a secret answers 503 to everything: the vendors repeat then, and nothing gets in before the secret
// is set. What comes with a wrong secret is answered 401. Before a delivery is answered with 2xx it is durable, in one
// transaction with the asking for a pass.
package intake
