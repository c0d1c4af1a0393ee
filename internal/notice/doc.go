// Package notice tells the other replicas at once what they would find by themselves within a second: that
// the outbox has work, that the configuration changed, that there are jobs. A notice carries no fact, only the word to look
// again, so that it may be lost, doubled or made up by somebody without harm.
//
// Notices go through Redis (redis_url). Without it there is nobody to tell, and all methods do nothing.
// While Redis is away, replicas rely on looking by themselves; the Board says so once, comes back by
// itself, and then has every subscriber look, because notices were missed meanwhile.
package notice
