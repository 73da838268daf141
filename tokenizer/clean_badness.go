package tokenizer

import (
	"sync"
	"unicode"
	"unicode/utf8"
)

// The heuristic by which ftfy 6.3.1 detects mojibake (ftfy/badness.py): characters that occur in
// mojibake have classes, and some sequences of classes hardly ever occur in real text.

// charClass is a set of classes, one bit each.
type charClass uint64

const (
	common           charClass = 1 << iota // anywhere
	c1Control                              // U+0080 to U+009F
	bad                                    // rare except in mojibake
	law                                    // signs in legal texts
	currency                               //
	startPunctuation                       //
	endPunctuation                         //
	numeric                                //
	kaomoji                                // letters used to draw faces
	upperAccented                          //
	lowerAccented                          //
	upperCommon                            // capital letters of Greek and Cyrillic
	lowerCommon                            //
	box                                    // box drawing
	upperASCII
	lowerASCII
	space     // as \s in Python
	word      // as \w in Python
	notLine   // any character but a line feed
	notLetter // any character but an ASCII letter
	firstFreeClass

	accented = upperAccented | lowerAccented
)

// classCharacters lists the characters of each class; "a-z" is a range.
var classCharacters = map[charClass]string{
	common:           "\u00a0\u00ad·´–—―…’",
	c1Control:        "\u0080-\u009f",
	bad:              "¦¤¨¬¯¸ƒˆˇ˘˛˜†‡‰⌐◊\ufffdªº",
	law:              "¶§",
	currency:         "¢£¥₧€",
	startPunctuation: "¡«¿©΄΅‘‚“„•‹\uf8ff",
	endPunctuation:   "®»˝”›™",
	numeric:          "²³¹±¼½¾×µ÷⁄∂∆∏∑√∞∩∫≈≠≡≤≥№",
	kaomoji:          "Ò-ÖÙ-Üò-öø-üŐŌŪŲ°",
	upperAccented: "À-ÑØÜÝĂĀĄĆČĎĐĘĚĒĖĞĢİĪĶĹĽŁĻŃŇŅŒŘ" +
		"ŚŞŠŢŤŮŰŸŹŻŽҐ",
	lowerAccented: "ßà-ñăąāćčďđęěēėğģįīķĺľłļœŕśşšťüźżžґﬁﬂ",
	upperCommon:   "ÞΑ-ΩΆΈΉΊΌΎΏΪΫЁ-Я",
	lowerCommon:   "α-ωάέήίΰа-џ",
	box:           "│┌┐┘├┤┬┼═-╬▀▄█▌▐░▒▓",
	upperASCII:    "A-Z",
	lowerASCII:    "a-z",
}

// charClassifier classifies characters, and has the sequences of classes that indicate mojibake.
type charClassifier struct {
	classes map[rune]charClass
	latin   [0x2700]charClass // the same for the characters in use, for speed
	next    charClass
	// rules have one set of classes for each character of a sequence.
	rules [][]charClass
	// startRules apply only at the start of the text.
	startRules [][]charClass
	first      charClass // all classes that a rule can start with
}

var mojibakeClassifier = sync.OnceValue(newCharClassifier)

// add adds the characters of a list to a class.
func (c *charClassifier) add(class charClass, characters string) {
	runes := []rune(characters)
	for i := 0; i < len(runes); i++ {
		last := runes[i]
		if i+2 < len(runes) && runes[i+1] == '-' {
			last = runes[i+2]
		}
		for r := runes[i]; r <= last; r++ {
			c.classes[r] |= class
		}
		if last != runes[i] {
			i += 2
		}
	}
}

// of makes a new class for the characters of a list.
func (c *charClassifier) of(characters string) charClass {
	class := c.next
	c.next <<= 1
	c.add(class, characters)
	return class
}

// sequence makes a rule of single characters.
func (c *charClassifier) sequence(characters string) []charClass {
	var rule []charClass
	for _, r := range characters {
		rule = append(rule, c.of(string(r)))
	}
	return rule
}

func newCharClassifier() *charClassifier {
	c := &charClassifier{classes: make(map[rune]charClass), next: firstFreeClass}
	for class, characters := range classCharacters {
		c.add(class, characters)
	}

	blank := c.of(" ")
	degree := c.of("°")
	micro := c.of("µ")
	circumflexOrTilde := c.of("ÂÃ")
	marks := accented | box | startPunctuation | endPunctuation | currency | numeric | law
	arabicLead := c.of("ØÙ")
	arabicTail := common | currency | bad | numeric | startPunctuation | degree | micro | c.of("ŸŠ®»")
	cyrillicLead := c.of("ВГРС")
	greekLead := c.of("ΒΓΞΟ")
	doubled := c1Control | bad | startPunctuation | endPunctuation | currency | degree
	lowQuote := c.of("‚")
	euro := c.of("€")
	rootTail := c.of("±∂†≠®™´≤≥¥µø")
	macLatinTail := c.of("ìîïòôúùû†°¢π")

	c.rules = [][]charClass{
		{c1Control},
		{bad | marks, bad},
		{bad, marks},
		{upperASCII | lowerASCII, lowerCommon | upperCommon, bad},
		{lowerAccented | lowerCommon | box | endPunctuation | currency | numeric, upperAccented},
		{box | endPunctuation | currency | numeric, lowerAccented},
		{lowerAccented | box | endPunctuation, currency},
		{space, upperAccented, currency},
		{upperAccented | box, numeric | law},
		{accented | box | currency | endPunctuation, startPunctuation, numeric},
		{accented | currency | numeric | box | law, endPunctuation, startPunctuation},
		{currency | numeric | box, startPunctuation},
		{lowerASCII, upperAccented, startPunctuation | currency},
		{box, kaomoji},
		{accented | currency | numeric | startPunctuation | endPunctuation | law, box},
		{box, endPunctuation},
		{accented, startPunctuation | endPunctuation, word},
		{c.of("Œœ"), notLetter},
		{upperAccented, degree},
		// UTF-8 in Windows-1252: two characters, Arabic, South Asian scripts.
		{circumflexOrTilde | c.of("ÎÐ"), startPunctuation | endPunctuation | degree | euro |
			c.of("œŠš¢£Ÿž\u00a0\u00ad®©·»–—´")},
		{c.of("×"), c.of("²³")},
		{arabicLead, arabicTail, arabicLead, arabicTail},
		{c.of("à"), micro | c.of("²¹¼½¾")},
		// In MacRoman.
		{c.of("√"), rootTail},
		{c.of("≈"), degree | c.of("¢")},
		{lowQuote, c.of("Ä"), macLatinTail},
		{lowQuote, c.of("âó"), degree | c.of("àäê")},
		// In Windows-1251, the last one twice.
		c.sequence("вЂ"),
		{cyrillicLead, doubled | micro, cyrillicLead},
		append(c.sequence("ГўВЂВ"), notLine, upperASCII|lowerASCII|blank),
		// "à" and "á" and the no-break space in Windows-1252.
		{c.of("Ã"), c.of("\u00a0¡")},
		{lowerASCII, circumflexOrTilde, blank},
		{lowerASCII, space, circumflexOrTilde, blank},
		{lowerASCII | endPunctuation | c.of(".,?!"), c.of("Â"), blank | startPunctuation | endPunctuation},
		// In Windows-1253 and Windows-1257.
		{c.of("β"), euro, degree | c.of("™\u00a0Ά\u00ad®")},
		{greekLead, doubled, greekLead},
		{c.of("ā"), euro},
	}
	c.startRules = [][]charClass{{circumflexOrTilde, blank}}

	for _, rule := range c.rules {
		c.first |= rule[0]
	}
	for r := range c.latin {
		c.latin[r] = c.classify(rune(r))
	}
	return c
}

// classify returns the classes of a character.
func (c *charClassifier) classify(r rune) charClass {
	class := c.classes[r] | notLine | notLetter
	if r == '\n' {
		class &^= notLine
	}
	if isASCIILetter(r) {
		class &^= notLetter
	}
	if isPythonSpace(r) {
		class |= space
	}
	if unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' {
		class |= word
	}
	return class
}

// isBad reports whether text looks like mojibake.
func isBad(text string) bool {
	c := mojibakeClassifier()
	classes := make([]charClass, 0, utf8.RuneCountInString(text))
	for _, r := range text {
		if int(r) < len(c.latin) {
			classes = append(classes, c.latin[r])
		} else {
			classes = append(classes, c.classify(r))
		}
	}
	if matchesAny(c.startRules, classes) {
		return true
	}
	for i, class := range classes {
		if class&c.first != 0 && matchesAny(c.rules, classes[i:]) {
			return true
		}
	}
	return false
}

// matchesAny reports whether classes starts with one of the sequences.
func matchesAny(rules [][]charClass, classes []charClass) bool {
next:
	for _, rule := range rules {
		if len(rule) > len(classes) {
			continue
		}
		for i, set := range rule {
			if set&classes[i] == 0 {
				continue next
			}
		}
		return true
	}
	return false
}
