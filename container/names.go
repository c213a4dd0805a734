// SPDX-License-Identifier: Apache-2.0

package container

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxElement is the longest name, in bytes, that common file systems store.
const maxElement = 255

// maxMarks is how many combining marks may follow each other. After more, x/text
// inserts a character when it normalises (Unicode Standard Annex 15, section 13,
// Stream-Safe Text Format), so that equal names would no longer come out equal.
const maxMarks = 30

// A NameError says why a name cannot stand in a package.
type NameError struct {
	Path   string
	Reason string
}

func (e *NameError) Error() string { return fmt.Sprintf("name %q: %s", e.Path, e.Reason) }

// CheckPath says whether p can name a file or folder in a package: a relative
// path with slashes that means the same on every system (FORMAT.md, section
// 10.1). It returns a *NameError.
func CheckPath(p string) error {
	if reason := pathDefect(p); reason != "" {
		return &NameError{p, reason}
	}
	return nil
}

func pathDefect(p string) string {
	switch {
	case p == "":
		return "it is empty"
	case len(p) > maxPath:
		return fmt.Sprintf("it has %d bytes, and at most %d are allowed", len(p), maxPath)
	case !utf8.ValidString(p):
		return "it is not valid UTF-8"
	case p[0] == '/':
		return "it is absolute"
	}
	for rest, more := p, true; more; {
		var element string
		element, rest, more = strings.Cut(rest, "/")
		if reason := elementDefect(element); reason != "" {
			return reason
		}
	}
	return ""
}

func elementDefect(e string) string {
	switch {
	case e == "":
		return "it has an empty element: two slashes in a row, or one at the end"
	case e == "." || e == "..":
		return "it has the element " + e + ", which leads elsewhere"
	case len(e) > maxElement:
		return fmt.Sprintf("it has an element of %d bytes, and file systems store at most %d", len(e), maxElement)
	case strings.HasSuffix(e, ".") || strings.HasSuffix(e, " "):
		return "it has an element that ends in a dot or a space, which Windows drops"
	case deviceName(e):
		return "it has a name that Windows keeps for a device"
	case marksInARow(e) > maxMarks:
		return fmt.Sprintf("it has more than %d combining marks in a row", maxMarks)
	}
	for _, r := range e {
		switch {
		case unicode.Is(unicode.Cc, r):
			return fmt.Sprintf("it has the control character %U", r)
		case strings.ContainsRune(`\:<>"|?*`, r):
			return fmt.Sprintf("it has the character %q, which not every system allows", r)
		case invisible(r):
			return fmt.Sprintf("it has the character %U, which is not seen and makes names look alike", r)
		}
	}
	return ""
}

// invisible reports characters that change the direction of text or take no
// room (categories Cf, Zl and Zp): with them a listing shows another name.
func invisible(r rune) bool {
	// ZWNJ and ZWJ are part of correct spelling in several scripts and of emoji.
	if r == '\u200c' || r == '\u200d' {
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// marksInARow returns the length of the longest run of characters with a combining
// class in the decomposed form.
func marksInARow(e string) int {
	longest, run := 0, 0
	for _, r := range e {
		if r < utf8.RuneSelf {
			run = 0
			continue
		}
		s := norm.NFD.String(string(r)) // of one character, too short for anything to be inserted
		for i := 0; i < len(s); {
			p := norm.NFD.PropertiesString(s[i:])
			i += p.Size()
			if run++; p.CCC() == 0 {
				run = 0
			}
			longest = max(longest, run)
		}
	}
	return longest
}

// deviceName reports names that Windows opens as devices, whatever the case,
// the extension and the folder.
func deviceName(e string) bool {
	name, _, _ := strings.Cut(e, ".")
	name = upperASCII(strings.TrimRight(name, " "))
	switch name {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	prefix, digit := name, ""
	if len(name) > 3 {
		prefix, digit = name[:3], name[3:]
	}
	return (prefix == "COM" || prefix == "LPT") && strings.Contains("0123456789¹²³", digit) && utf8.RuneCountInString(digit) == 1
}

// upperASCII leaves other letters alone, of which some have a capital in ASCII.
func upperASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}, s)
}

// CheckPaths checks the names of files and of folders that hold nothing, each
// by itself and all together: on a file system that ignores case, or that
// normalises Unicode, no two may be one, and no file may be another's folder.
// It returns a *NameError.
func CheckPaths(files, folders []string) error {
	c := pathSet{taken: make(map[string]takenPath, len(files)+len(folders)), fold: cases.Fold()}
	for _, p := range files {
		if err := c.add(p); err != nil {
			return err
		}
	}
	for _, p := range folders {
		if err := c.add(p); err != nil {
			return err
		}
	}
	return nil
}

// pathSet remembers what is taken, by its folded form.
type pathSet struct {
	taken map[string]takenPath
	fold  cases.Caser
}

type takenPath struct {
	path  string // as it was written
	above bool   // a folder of a path in the package
}

func (c *pathSet) add(p string) error {
	if err := CheckPath(p); err != nil {
		return err
	}
	key := c.key(p)
	if t, ok := c.taken[key]; ok {
		return collision(p, t)
	}
	c.taken[key] = takenPath{path: p}
	// The folders above must be spelled alike wherever they occur. Once one is
	// known, so are those above it.
	for {
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return nil
		}
		p = p[:i]
		key = c.key(p)
		t, ok := c.taken[key]
		if ok && (t.path != p || !t.above) {
			return collision(p, t)
		}
		if ok {
			return nil
		}
		c.taken[key] = takenPath{p, true}
	}
}

func collision(p string, t takenPath) error {
	if t.path == p {
		return &NameError{p, "it stands there twice, or as a file or empty folder and as a folder that holds something"}
	}
	return &NameError{p, fmt.Sprintf("on some systems it is the same as %q", t.path)}
}

// key is the form in which two names that some system confuses are equal.
func (c *pathSet) key(p string) string {
	ascii := true
	for i := range len(p) {
		if p[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return strings.ToLower(p)
	}
	// Folding can undo the normalisation, so that is done once more.
	return norm.NFC.String(c.fold.String(strings.Map(smallCherokee, norm.NFC.String(p))))
}

// smallCherokee maps the capital letters of Cherokee to small ones. Unicode folds
// the small ones to the capitals; cases.Fold does that, and also the reverse, so
// that capitals have to be small before it.
func smallCherokee(r rune) rune {
	switch {
	case 'Ꭰ' <= r && r <= 'Ꮿ':
		return r - 'Ꭰ' + 'ꭰ'
	case 'Ᏸ' <= r && r <= 'Ᏽ':
		return r - 'Ᏸ' + 'ᏸ'
	}
	return r
}
