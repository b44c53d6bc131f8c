package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// state is what a person may see: a flat map, so that what changed is a few keys.
type state map[string]json.RawMessage

// draft is a state in the making.
type draft struct {
	state state
	err   error // the first
}

func (d *draft) put(key string, value any) {
	text, err := json.Marshal(value)
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("writing %s: %w", key, err)
	}
	d.state[key] = text
}

// change is an event: what has to be set in the page's map and taken out of it.
type change struct {
	Reset bool     `json:"reset,omitempty"` // the map begins anew
	Set   state    `json:"set,omitempty"`
	Gone  []string `json:"gone,omitempty"`
}

func (c change) empty() bool { return len(c.Set) == 0 && len(c.Gone) == 0 }

// difference is how one state becomes another.
func difference(before, after state) change {
	c := change{Set: state{}}
	for key, value := range after {
		if was, there := before[key]; !there || !bytes.Equal(was, value) {
			c.Set[key] = value
		}
	}
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, there := after[key]; !there {
			c.Gone = append(c.Gone, key)
		}
	}
	return c
}
