// Package portal is the door for browsers: it serves the pages that web/ builds, signs people in and
// out by cookie, and keeps other sites from acting in their name.
//
// The built pages are embedded from dist, which git does not keep; a binary built without them serves
// one page that says how to build them. Everything is sent with a content security policy that allows
// no inline script or style and no address but this one.
//
// Invariants: the session cookie is HttpOnly and SameSite=Strict, and Secure over https; a token against
// cross-site requests is bound to the session that it was given for; no answer here redirects.
package portal
