//! XML as the beacon uses it: what is written is read back, what is not well-formed is refused, and no
//! input of any kind throws or grows.
import test from 'ava'
import fc from 'fast-check'
import { element, writeXml, type XmlElement, type XmlNode } from '../../src/wire/xml.ts'
import { readXml } from '../../src/wire/xml-read.ts'

const bytesMax = 65_536
const read = (text: string) => readXml(new TextEncoder().encode(text), bytesMax)

/** As plain values; blanks between elements are the writer's layout. */
function plain(node: XmlNode): unknown {
  if (typeof node === 'string') return node
  const mixed = node.children.some((child) => typeof child === 'string' && child.trim() !== '')
  const kept = node.children.filter((child) => mixed || typeof child !== 'string')
  return [node.name, [...node.attributes], kept.map(plain)]
}

function root(text: string): XmlElement {
  const found = read(text)
  if (typeof found === 'string') throw new Error(`${found}: ${text}`)
  return found
}

const wellFormed: readonly (readonly [what: string, text: string, seen: unknown])[] = [
  ['an empty element', '<a/>', ['a', [], []]],
  [
    'a declaration',
    '<?xml version="1.0" encoding="UTF-8" standalone=\'yes\'?>\n<a/>',
    ['a', [], []],
  ],
  ['a later minor version', '<?xml version="1.1"?><a/>', ['a', [], []]],
  [
    'comments and processing instructions',
    '<!-- x --><?p q?><a><!-- - --><?r?></a><?s t?>',
    ['a', [], []],
  ],
  [
    'the five entities',
    '<a b="&lt;&gt;&amp;&quot;&apos;">&lt;</a>',
    ['a', [['b', '<>&"\'']], ['<']],
  ],
  ['character references', '<a>&#65;&#x1F4DE;</a>', ['a', [], ['A\u{1F4DE}']]],
  ['CDATA', '<a>x<![CDATA[<&]]>y</a>', ['a', [], ['x<&y']]],
  ['blanks in tags', '<a\n b = "c"\t></a >', ['a', [['b', 'c']], []]],
  ['line breaks of any kind (2.11)', '<a>1\r\n2\r3</a>', ['a', [], ['1\n2\n3']]],
  ['blanks for breaks in a value (3.3.3)', '<a b="1\n2\t3&#10;"/>', ['a', [['b', '1 2 3\n']], []]],
  ['names of any script', '<席位 号="一"/>', ['席位', [['号', '一']], []]],
  ['a byte order mark', '\u{FEFF}<a/>', ['a', [], []]],
]

for (const [what, text, seen] of wellFormed) {
  test(`XML with ${what} is read`, (t) => {
    t.deepEqual(plain(root(text)), seen)
  })
}

const refused: readonly (readonly [what: string, text: string, why: RegExp])[] = [
  ['nothing', '', /no element/],
  ['text alone', 'a', /no element/],
  ['two roots', '<a/><b/>', /follows the root/],
  ['text behind the root', '<a/>x', /follows the root/],
  ['crossed tags', '<a><b></a></b>', /<\/a> closes <b>/],
  ['no end', '<a><b/>', /no end/],
  ['an attribute twice', '<a b="1" b="2"/>', /twice/],
  ['a value without quotes', '<a b=1/>', /quotes/],
  ['attributes without a blank', '<a b="1"c="2"/>', /blank is missing/],
  ['a bracket in a value', '<a b="<"/>', /"<" in an attribute/],
  ['a document type', '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', /name is missing/],
  ['an entity of its own', '<a>&b;</a>', /reference &b; is unknown/],
  ['an ampersand', '<a>x & y</a>', /unknown/],
  ['a reference to no character', '<a>&#0;</a>', /unknown/],
  ['a reference to half a character', '<a>&#xD800;</a>', /unknown/],
  ['a control character', '<a>\u0001</a>', /does not allow/],
  ['two dashes in a comment', '<!-- a -- b --><a/>', /"--" in a comment/],
  ['a late declaration', '<a/><?xml version="1.0"?>', /XML declaration inside/],
  [
    'another encoding',
    '<?xml version="1.0" encoding="UTF-16"?><a/>',
    /declaration is not understood/,
  ],
  ['the end of CDATA in text', '<a>]]></a>', /in character data/],
  ['a prefix', '<a:b/>', /prefix/],
  ['a name that begins with a digit', '<1/>', /name is missing/],
  ['too deep a tree', '<a>'.repeat(17) + '</a>'.repeat(17), /nested deeper/],
  ['too many elements', `<a>${'<b/>'.repeat(600)}</a>`, /more than 512 elements/],
  ['too long a name', `<${'a'.repeat(65)}/>`, /too long/],
  [
    'too many attributes',
    `<a ${Array.from({ length: 33 }, (_, i) => `b${i}="1"`).join(' ')}/>`,
    /more than 32/,
  ],
]

for (const [what, text, why] of refused) {
  test(`XML with ${what} is refused`, (t) => {
    t.regex(String(read(text)), why)
  })
}

test('XML that is not UTF-8, or longer than allowed, is refused', (t) => {
  t.is(readXml(new Uint8Array([0x3c, 0xff]), bytesMax), 'not UTF-8')
  t.is(readXml(new Uint8Array(11), 10), 'longer than 10 bytes')
})

const name = fc.stringMatching(/^[A-Za-z_席][A-Za-z0-9._-]{0,10}$/)
/** Everything XML can hold. */
const legalText = fc
  .string({ unit: 'binary' })
  .map((text) =>
    text
      .toWellFormed()
      .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, ''),
  )
const attributes = fc.dictionary(name, legalText, { maxKeys: 5 })

const { tree } = fc.letrec<{ tree: XmlElement }>((tie) => ({
  tree: fc
    .record({
      name,
      attributes,
      children: fc.oneof(
        { maxDepth: 3 },
        legalText.map((text): XmlNode[] => (text.trim() === '' ? [] : [text])),
        fc.array(tie('tree') as fc.Arbitrary<XmlElement>, { maxLength: 4 }),
      ),
    })
    .map((one) => element(one.name, one.attributes, one.children)),
}))

test('what is written is read back, whatever the values hold', (t) => {
  fc.assert(
    fc.property(tree, (written) => {
      t.deepEqual(plain(root(writeXml(written))), plain(written))
    }),
    { numRuns: 300 },
  )
})

test('a character that XML cannot hold does not break the document', (t) => {
  const written = writeXml(element('a', { b: 'x\u0000y\uD800' }, ['\u0007']))
  t.deepEqual(plain(root(written)), ['a', [['b', 'x\u{FFFD}y\u{FFFD}']], ['\u{FFFD}']])
})

test('no bytes make the reader throw, and a mutated document is read or refused', (t) => {
  fc.assert(
    fc.property(
      tree,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      (written, changes) => {
        const bytes = new TextEncoder().encode(writeXml(written))
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        const found = readXml(bytes, bytesMax)
        t.true(typeof found === 'string' || found.name.length > 0)
      },
    ),
    { numRuns: 500 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      t.notThrows(() => readXml(bytes, bytesMax))
    }),
    { numRuns: 500 },
  )
})
