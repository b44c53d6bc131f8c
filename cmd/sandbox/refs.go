package main

import "fmt"

// What generated refs are made of.
func refWords() (verbs, things, people []string) {
	verbs = []string{"add", "fix", "remove", "rework", "speed-up", "document", "retry", "validate", "cache", "rename"}
	things = []string{
		"login", "checkout", "basket", "search", "invoice-pdf", "price-rounding", "session-timeout", "mail-templates",
		"image-upload", "rate-limits", "dark-mode", "address-form", "webhooks", "feature-flags", "export", "stock-sync",
		"order-history", "translations", "csv-import", "health-check", "retry-queue", "password-reset", "two-factor",
		"audit-log", "coupons", "metrics",
	}
	return verbs, things, []string{"alice", "bob", "carol", "dana", "emil"}
}

// generateRefs makes up n names such as a team leaves behind over the years, the newest first: three branches for each
// tag. They are the same in every run.
func generateRefs(n int) (branches, tags []string) {
	tagCount := n / 4
	for i := range n - tagCount {
		branches = append(branches, branchName(n-i))
	}
	for i := range tagCount {
		tags = append(tags, tagName(tagCount-1-i))
	}
	return branches, tags
}

// branchName is the i-th branch: tickets for the most part, some releases, upgrades by robots and experiments.
func branchName(i int) string {
	verbs, things, people := refWords()
	verb, thing := verbs[i*7%len(verbs)], things[i*11%len(things)]
	switch i % 20 {
	case 0:
		return fmt.Sprintf("release/%d.%d", 1+i/1000, i/20%50)
	case 1, 2:
		return fmt.Sprintf("renovate/%s-%d.x", thing, i)
	case 3:
		return fmt.Sprintf("%s/try-%s-%d", people[i/20%len(people)], thing, i)
	case 4:
		return fmt.Sprintf("hotfix/SHOP-%d-%s", 100+i, thing)
	case 5, 6, 7, 8:
		return fmt.Sprintf("bugfix/SHOP-%d-fix-%s", 100+i, thing)
	default:
		return fmt.Sprintf("feature/SHOP-%d-%s-%s", 100+i, verb, thing)
	}
}

// tagName is the i-th tag: each version has a release candidate before it.
func tagName(i int) string {
	version := fmt.Sprintf("v%d.%d.%d", 1+i/2/500, i/2/10%50, i/2%10)
	if i%2 == 0 {
		return version + "-rc.1"
	}
	return version
}
