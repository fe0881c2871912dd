/** An option that is a number. What is none goes to the service as it is, which says which field is wrong: JSON has no NaN. */
export function numberOf(text: string | undefined): number | string | undefined {
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text);
  return Number.isNaN(number) ? text : number;
}
