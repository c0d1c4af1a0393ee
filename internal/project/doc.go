// Package project is projects, their metadata and their members.
//
// Tables project, project_metadata, cve_allowlist, system_cve_allowlist and project_member. A deleted
// project keeps its row, under a name that nobody can ask for, because repositories and audit rows name its
// id; the name itself is free again. Its epoch, and that of an account whose role shrinks, moves in the same
// transaction, so that tokens issued before lose their rights at once.
//
// A member is an account or a group of people. Who is in a group is what package identity was told last;
// when a group's role shrinks, the epochs of all who are in it move.
package project
