// Package identity knows who somebody is: users with passwords, people of directories and identity
// providers, their groups, robot accounts with secrets, personal access tokens, browser sessions and docker tokens.
//
// Tables: account, account_password, session, robot, robot_secret, robot_permission, robot_prefix, robot_use,
// robot_warning, personal_token, personal_token_permission, personal_token_use, login_failure, account_link,
// user_group, account_group, and the signing keys of tokens in sealed_key.
//
// Invariants:
//   - A password or secret exists in clear only in the hands of its owner: rows hold argon2id hashes
//     (SHA-256 of personal tokens, which are 256 random bits), which no listing reaches (S4), and the type
//     secret.Text hides it everywhere else (S17).
//   - A log-in that fails says the same in the same time, whether the name exists or not (S19).
//   - An account and a robot have an epoch that grows with each change of what they may do. A token
//     carries the epochs of its holder and of its projects and dies when one of them grows (S8).
//   - An account is somebody of a provider by a link of (provider, subject), never by a name. Groups,
//     administration and the way in last as long as the provider's last word, which is asked for again;
//     an account with a password here is never asked about elsewhere.
//   - A personal token may do what its owner may now, within its limits, which never change. It is looked up
//     with each use, and docker tokens got with it die with it.
//   - What somebody is comes from the row that was read, never from how the name is spelled (S7).
package identity
