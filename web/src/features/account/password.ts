/** What a new password lacks. */
export type PasswordFault = "length" | "upper" | "lower" | "digit" | "repeat";

/**
 * Checks a new password as the server will: 8 to 128 characters with an upper-case and a
 * lower-case letter and a digit; typed twice the same.
 */
export function passwordFault(password: string, repeated: string): PasswordFault | undefined {
  if (password.length < 8 || password.length > 128) return "length";
  if (!/[A-Z]/.test(password)) return "upper";
  if (!/[a-z]/.test(password)) return "lower";
  if (!/[0-9]/.test(password)) return "digit";
  if (password !== repeated) return "repeat";
  return undefined;
}
