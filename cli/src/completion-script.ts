//! Completion scripts, made from the table of commands: no process is started on a press of Tab.

export interface Completable {
  /** `['config', 'get']` */
  readonly words: readonly string[]
  readonly summary: string
  readonly flags: readonly {
    readonly names: readonly string[]
    readonly takesValue: boolean
    readonly values: readonly string[]
  }[]
  /** Values of the first argument, when they are few and known. */
  readonly values: readonly string[]
  readonly takesFile: boolean
}

/** For `eval "$(vccs completion bash)"`. */
export function bashScript(commands: readonly Completable[]): string {
  return `# Completion of vccs for bash: eval "$(vccs completion bash)"
_vccs() {
  local cur prev words=() word i
  cur="\${COMP_WORDS[COMP_CWORD]}"
  prev="\${COMP_WORDS[COMP_CWORD-1]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    [[ $word == -* ]] || words+=("$word")
  done
${bodyOf(commands, '  COMPREPLY=($(compgen -W "$reply" -- "$cur"))', '  COMPREPLY=($(compgen -f -- "$cur"))')}
}
complete -o filenames -F _vccs vccs
`
}

/** For `eval "$(vccs completion zsh)"`, or as a file `_vccs` in the function path. */
export function zshScript(commands: readonly Completable[]): string {
  return `#compdef vccs
# Completion of vccs for zsh: eval "$(vccs completion zsh)"
_vccs() {
  local cur prev reply word i
  local -a found
  found=()
  cur="\${words[CURRENT]}"
  prev="\${words[CURRENT-1]}"
  for ((i = 2; i < CURRENT; i++)); do
    word="\${words[i]}"
    [[ $word == -* ]] || found+=("$word")
  done
  local -a words
  words=("\${found[@]}")
${bodyOf(commands, '  compadd -- $=reply', '  _files')}
}
if [ "$funcstack[1]" = "_vccs" ]; then
  _vccs "$@"
else
  compdef _vccs vccs
fi
`
}

/** Both shells know \`case\` and read the same patterns. */
function bodyOf(commands: readonly Completable[], offer: string, files: string): string {
  return `  local reply=''
  local line="\${words[*]}"
  case "$prev" in
${valueCases(commands, offer)}
  esac
  if [[ $cur == -* ]]; then
    case "$line" in
${flagCases(commands)}
    esac
${indent(offer, 2)}
    return
  fi
  case "$line" in
${wordCases(commands)}
${fileCases(commands, files)}
  esac
${offer}`
}

/** After a flag that takes one of a few values; after another value flag nothing is offered. */
function valueCases(commands: readonly Completable[], offer: string): string {
  const values = new Map<string, readonly string[]>()
  for (const { flags } of commands) {
    for (const flag of flags.filter(({ takesValue }) => takesValue)) {
      for (const name of flag.names) values.set(name, flag.values)
    }
  }
  return [...values]
    .map(([name, options]) => {
      if (options.length === 0) return `    ${name}) return ;;`
      return `    ${name})\n      reply='${options.join(' ')}'\n${indent(offer, 4)}\n      return ;;`
    })
    .join('\n')
}

function flagCases(commands: readonly Completable[]): string {
  return commands
    .map(({ words, flags }) => {
      const names = [...flags.flatMap((flag) => flag.names), '--help']
      return `      '${words.join(' ')}'*) reply='${names.join(' ')}' ;;`
    })
    .sort((a, b) => b.length - a.length)
    .join('\n')
}

/** Words that may follow the words so far. */
function wordCases(commands: readonly Completable[]): string {
  const next = new Map<string, Set<string>>()
  const add = (line: string, word: string) => {
    const found = next.get(line) ?? new Set()
    next.set(line, found.add(word))
  }
  for (const { words, values } of commands) {
    words.forEach((word, index) => {
      add(words.slice(0, index).join(' '), word)
    })
    for (const value of values) add(words.join(' '), value)
  }
  return [...next]
    .map(([line, words]) => `    '${line}') reply='${[...words].join(' ')}' ;;`)
    .join('\n')
}

function fileCases(commands: readonly Completable[], files: string): string {
  return commands
    .filter(({ takesFile }) => takesFile)
    .map(({ words }) => `    '${words.join(' ')}')\n${indent(files, 4)}\n      return ;;`)
    .join('\n')
}

function indent(line: string, by: number): string {
  return ' '.repeat(by) + line
}
