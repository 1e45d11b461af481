//! The arguments of `yagura admin user` and `yagura admin emergency`.

use clap::Subcommand;

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum UserCommand {
    /// List them.
    List,
    /// Add one; prints the one-time sign-in link.
    Add {
        /// Sign-in name.
        login: String,
        /// Name for people.
        #[arg(long)]
        name: String,
        /// Short name of the organisation.
        #[arg(long)]
        org: String,
        /// A role, e.g. `duty_officer`; may be given several times.
        #[arg(long = "role", required = true)]
        roles: Vec<String>,
    },
    /// Print a new one-time sign-in link for somebody who is locked out.
    Link {
        /// Sign-in name.
        login: String,
    },
    /// List clearances and oaths: those of one person, or all that wait, hold, or will.
    Qualifications {
        /// Sign-in name.
        login: Option<String>,
    },
    /// Enter a clearance or an oath for somebody; it holds once an administrator has confirmed it. Needs the running hub.
    Qualify {
        /// Sign-in name.
        login: String,
        /// Which, e.g. `clearance:specially-designated-secrets` or `oath:council-secrecy`.
        qualification: String,
        /// From when it holds: a date or RFC 3339 time; of an oath, when it was sworn.
        #[arg(long)]
        since: String,
        /// Until when: a date or RFC 3339 time.
        #[arg(long)]
        until: String,
        /// What it is known by on paper: a file, a certificate's number.
        #[arg(long)]
        evidence: String,
    },
    /// Confirm a clearance or an oath that an administrator entered in the console.
    ConfirmQualification {
        /// The entry's id.
        id: String,
    },
    /// Refuse a clearance or an oath that waits, or take it back.
    RefuseQualification {
        /// The entry's id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// End a clearance or an oath before its time, at once.
    EndQualification {
        /// The entry's id.
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Clone, Subcommand)]
pub(crate) enum EmergencyCommand {
    /// List them: those without a review, what is due first; then the newest others.
    List,
    /// End one that is on, at once.
    End {
        /// Its id.
        id: String,
    },
}
