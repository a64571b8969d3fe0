//! Reads XML 1.0 (fifth edition) from bytes of unknown origin: strict, bounded, without document types,
//! without entities beyond the five, without prefixes in names. Never throws on input.
import type { XmlElement, XmlNode } from './xml.ts'

const bounds = { depth: 16, elements: 512, attributes: 32, nameLength: 64 } as const

const nameStart =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}' +
  '\\u{200C}\\u{200D}\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}' +
  '\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}'
const nameRest = `${nameStart}\\-.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}`
const name = new RegExp(`[${nameStart}][${nameRest}]*`, 'yu')
const blanks = /[ \t\n]*/y
const illegal = /[^\t\n\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u
const declaration =
  /^<\?xml[ \t\n]+version[ \t\n]*=[ \t\n]*(?:"1\.[0-9]+"|'1\.[0-9]+')(?:[ \t\n]+encoding[ \t\n]*=[ \t\n]*(?:"utf-8"|'utf-8'))?(?:[ \t\n]+standalone[ \t\n]*=[ \t\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\n]*\?>/i
const named: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  apos: "'",
}

/** What is wrong, with the place. Only inside this file. */
class Fault extends Error {}

interface Open {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: XmlNode[]
}

/** @param bytesMax of the whole document. @returns the root, or what is wrong. */
export function readXml(
  bytes: Uint8Array,
  bytesMax: number,
  elementsMax: number = bounds.elements,
): XmlElement | string {
  if (bytes.length > bytesMax) return `longer than ${bytesMax} bytes`
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r\n?/g, '\n')
  } catch {
    return 'not UTF-8'
  }
  const found = illegal.exec(text)
  if (found !== null) return `a character that XML does not allow, at ${found.index}`
  try {
    return new Reader(text, elementsMax).document()
  } catch (error) {
    if (error instanceof Fault) return error.message
    throw error
  }
}

class Reader {
  readonly #text: string
  readonly #elementsMax: number
  #at = 0
  #elements = 0

  constructor(text: string, elementsMax: number) {
    this.#text = text
    this.#elementsMax = elementsMax
  }

  document(): XmlElement {
    if (/^<\?xml[ \t\n]/.test(this.#text)) {
      const head = declaration.exec(this.#text)
      if (head === null) this.#fail('the XML declaration is not understood')
      else this.#at = head[0].length
    }
    this.#between()
    if (!this.#sees('<')) this.#fail('there is no element')
    const root = this.#tree()
    this.#between()
    if (this.#at < this.#text.length) this.#fail('something follows the root element')
    return root
  }

  /** Comments, processing instructions and blanks, before and behind the root. */
  #between(): void {
    for (;;) {
      this.#blanks()
      if (this.#take('<!--')) this.#comment()
      else if (this.#take('<?')) this.#instruction()
      else return
    }
  }

  /** Without recursion: the depth is a number that is compared. */
  #tree(): XmlElement {
    const open: Open[] = []
    for (;;) {
      const top = open.at(-1)
      const started = top === undefined || this.#content(top)
      if (started) {
        const { element, empty } = this.#startTag()
        if (!empty) {
          open.push(element)
          if (open.length > bounds.depth) this.#fail(`nested deeper than ${bounds.depth}`)
          continue
        }
        if (top === undefined) return element
        top.children.push(element)
        continue
      }
      open.pop()
      const parent = open.at(-1)
      if (parent === undefined) return top
      parent.children.push(top)
    }
  }

  /** Reads up to the next tag of `element`. @returns true before a start tag, false behind the end. */
  #content(element: Open): boolean {
    let data = ''
    const end = (more: boolean) => {
      if (data !== '') element.children.push(data)
      return more
    }
    for (;;) {
      const stop = this.#find('<')
      data += this.#characters(this.#text.slice(this.#at, stop))
      this.#at = stop
      if (this.#take('<!--')) this.#comment()
      else if (this.#take('<![CDATA[')) data += this.#until(']]>', 'a CDATA section has no end')
      else if (this.#take('<?')) this.#instruction()
      else if (this.#take('</')) {
        const found = this.#name()
        this.#blanks()
        if (found !== element.name) this.#fail(`</${found}> closes <${element.name}>`)
        this.#expect('>')
        return end(false)
      } else return end(true)
    }
  }

  #startTag(): { element: Open; empty: boolean } {
    this.#expect('<')
    this.#elements += 1
    if (this.#elements > this.#elementsMax) this.#fail(`more than ${this.#elementsMax} elements`)
    const element = { name: this.#name(), attributes: new Map<string, string>(), children: [] }
    for (;;) {
      const before = this.#at
      this.#blanks()
      if (this.#take('/>')) return { element, empty: true }
      if (this.#take('>')) return { element, empty: false }
      if (this.#at === before) this.#fail('a blank is missing before an attribute')
      this.#attribute(element.attributes)
    }
  }

  #attribute(attributes: Map<string, string>): void {
    const key = this.#name()
    if (attributes.has(key)) this.#fail(`the attribute ${key} is there twice`)
    if (attributes.size >= bounds.attributes)
      this.#fail(`more than ${bounds.attributes} attributes`)
    this.#blanks()
    this.#expect('=')
    this.#blanks()
    const quote = this.#text[this.#at]
    if (quote !== '"' && quote !== "'") this.#fail('an attribute value is not in quotes')
    this.#at += 1
    const raw = this.#until(quote ?? '"', 'an attribute value has no end')
    if (raw.includes('<')) this.#fail('"<" in an attribute value')
    attributes.set(key, this.#references(raw.replace(/[\t\n]/g, ' ')))
  }

  #characters(raw: string): string {
    if (raw.includes(']]>')) this.#fail('"]]>" in character data')
    return this.#references(raw)
  }

  #references(raw: string): string {
    if (!raw.includes('&')) return raw
    return raw.replace(/&([^;&]{0,12})(;?)/g, (_whole, body: string, semicolon: string) => {
      const plain = Object.hasOwn(named, body) ? named[body] : this.#numeric(body)
      if (semicolon === '' || plain === undefined) this.#fail(`the reference &${body}; is unknown`)
      return plain ?? ''
    })
  }

  #numeric(body: string): string | undefined {
    const match = /^#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}))$/.exec(body)
    if (match === null) return undefined
    const code = match[1] === undefined ? Number(match[2]) : Number.parseInt(match[1], 16)
    if (code > 0x10ffff) return undefined
    const character = String.fromCodePoint(code)
    return character !== '\r' && illegal.test(character) ? undefined : character
  }

  #comment(): void {
    const text = this.#until('--', 'a comment has no end')
    if (!this.#take('>')) this.#fail(`"--" in a comment after ${text.length} characters`)
  }

  #instruction(): void {
    const target = this.#name()
    if (target.toLowerCase() === 'xml') this.#fail('an XML declaration inside the document')
    if (this.#take('?>')) return
    if (!/[ \t\n]/.test(this.#text[this.#at] ?? ''))
      this.#fail('a processing instruction is broken')
    this.#until('?>', 'a processing instruction has no end')
  }

  #name(): string {
    name.lastIndex = this.#at
    const found = name.exec(this.#text)?.[0]
    if (found === undefined) this.#fail('a name is missing')
    if ((found ?? '').length > bounds.nameLength) this.#fail('a name is too long')
    this.#at += (found ?? '').length
    if (this.#sees(':')) this.#fail('a name has a prefix')
    return found ?? ''
  }

  #until(end: string, why: string): string {
    const stop = this.#text.indexOf(end, this.#at)
    if (stop < 0) this.#fail(why)
    const found = this.#text.slice(this.#at, stop)
    this.#at = stop + end.length
    return found
  }

  #find(text: string): number {
    const found = this.#text.indexOf(text, this.#at)
    if (found < 0) this.#fail('an element has no end')
    return found
  }

  #blanks(): void {
    blanks.lastIndex = this.#at
    this.#at += blanks.exec(this.#text)?.[0].length ?? 0
  }

  #sees(text: string): boolean {
    return this.#text.startsWith(text, this.#at)
  }

  #take(text: string): boolean {
    const there = this.#sees(text)
    if (there) this.#at += text.length
    return there
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#fail(`"${text}" is missing`)
  }

  #fail(why: string): never {
    throw new Fault(`${why}, at ${this.#at}`)
  }
}
