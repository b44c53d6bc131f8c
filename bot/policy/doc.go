// Package policy decides who may do what. It is pure: what is asked, who asks and
// what is known go in, a [Decision] that can explain itself comes out. It asks
// nobody: the caller learns roles, protection, user groups and freezes, and says
// where it could not learn them.
//
//	Question ─┐
//	Person   ─┼─► Policy.Decide ─► Decision: Allow, Refuse, NeedsApproval; why; a sentence
//	Facts    ─┘
//
// Four things are looked at, and each of them can refuse:
//
//  1. who it is: apps and people nobody could identify do nothing; guests and people
//     of other workspaces only what a rule that names them lets them do;
//  2. freezes, which stop starts whoever asks;
//  3. the rules of the policy file, in order: the first that matches decides;
//  4. the mode: with AUTHZ=gitlab the person's own GitLab role as well, with
//     AUTHZ=open that they are a full member, with AUTHZ=policy nothing more.
//
// Everything fails closed. A zero Policy, Person or Decision refuses, and so does a
// zero role, protection or account where one is asked for. Where it is not known
// whether a rule matches, one that allows does not, and any other one refuses. So not
// knowing something never lets anybody do more than knowing it.
//
// [Parse] reads the policy file and names all of its faults with their lines; [File]
// keeps it current.
package policy
