"""Sign-in where there is no Supabase project: Supabase Auth's contract at `/auth/v1`."""
