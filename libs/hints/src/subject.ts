/** `feed.<distro>.<arch>.<kernel>.<tier>`: five tokens without wildcards. */
export function isHintSubject(subject: string): boolean {
  return subject.length <= 256 && /^feed(?:\.[A-Za-z0-9_+~-]+){4}$/.test(subject);
}

/** What an agent may listen to: a hint's subject, with `*` for a token or `>` for the rest. */
export function isHintPattern(pattern: string): boolean {
  return (
    pattern.length <= 256 && /^feed(?:\.(?:\*|[A-Za-z0-9_+~-]+)){0,4}(?:\.>)?$/.test(pattern) && pattern !== 'feed'
  );
}
