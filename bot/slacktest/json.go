package slacktest

// Slack's payloads stay JSON objects here; these read them. Each gives the zero value for what is not there.

func str(v any) string {
	s, _ := v.(string)
	return s
}

func object(v any) obj {
	o, _ := v.(obj)
	return o
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func truth(v any) bool {
	b, _ := v.(bool)
	return b
}

func number(v any) float64 {
	f, _ := v.(float64)
	return f
}

// objects are the objects of a list.
func objects(v any) []obj {
	var out []obj
	for _, item := range list(v) {
		if o, ok := item.(obj); ok {
			out = append(out, o)
		}
	}
	return out
}

// textOf is the text of a text object, as it was written.
func textOf(v any) string { return str(object(v)["text"]) }

// elements are the elements of a block that people can use: of an actions or input block, or an accessory.
func elements(block obj) []obj {
	switch str(block["type"]) {
	case "actions", "context_actions":
		return objects(block["elements"])
	case "input":
		if e := object(block["element"]); e != nil {
			return []obj{e}
		}
	case "section":
		if e := object(block["accessory"]); e != nil {
			return []obj{e}
		}
	}
	return nil
}

// interactive tells an element that people use from a picture.
func interactive(element obj) bool { return str(element["type"]) != "image" }
