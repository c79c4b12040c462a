//! Words: names of people and companies, what breaks, what is said of it.

pub(super) const FIRST: &[&str] = &[
    "Amélie",
    "Benoît",
    "Chloé",
    "Dmitri",
    "Eva",
    "François",
    "Grażyna",
    "Hugo",
    "Inès",
    "Jürgen",
    "Karim",
    "Léa",
    "Mehdi",
    "Noémie",
    "Olga",
    "Pierre",
    "Quentin",
    "Renée",
    "Søren",
    "Thérèse",
];
pub(super) const LAST: &[&str] = &[
    "Arnaud",
    "Benali",
    "Courtois",
    "D'Almeida",
    "Émond",
    "Faure",
    "Gonçalves",
    "Hernández",
    "Ivanov",
    "Joly",
    "Kowalski",
    "Lefèvre",
    "Müller",
    "N'Diaye",
    "O'Connor",
    "Petit",
    "Quéré",
    "Rousseau",
    "Saint-Cyr",
    "Øster",
];
pub(super) const COMPANIES: &[&str] = &[
    "Bakeries",
    "Clinics",
    "Freight",
    "Insurance",
    "Printing",
    "Schools",
    "Shipyards",
    "Water & Co",
];
pub(super) const PLACES: &[&str] = &["Brest", "Évry", "Genève", "Köln", "Liège", "Nîmes", "Sète"];
pub(super) const BROKEN: &[&str] = &[
    "Disk full on",
    "No connection to",
    "Backup failed on",
    "High load on",
    "Certificate expires on",
    "Printer jammed near",
    "Login refused by",
    "Slow answers of",
];
pub(super) const WISHES: &[&str] =
    &["New account for", "More memory for", "Access to", "A second screen at", "Software on"];
pub(super) const SAID: &[&str] = &[
    "We are looking into it.",
    "The customer was called back; it works again.",
    "Redémarrage planifié ce soir, accès coupé de 22 h à 23 h.",
    "Restarted the service. See C:\\logs\\2024 & \"trace\".",
    "Es geht wieder 👍, bitte prüfen <heute>.",
    "Disk replaced under warranty, RMA 4711.",
    "Waiting for the supplier's answer.\nThey called at 10:00.",
];
pub(super) const DESCRIBED: &[&str] = &[
    "<p>Since this morning <b>nothing</b> works.</p><ul><li>tried again</li><li>restarted</li></ul>",
    "<div>Alarme &laquo; critique &raquo;<br>Valeur : 98 % &amp; en hausse</div>",
    "Free space on /var is below 5 %",
    "<p>See <a href=\"https://wiki.example/?a=1&amp;b=2\">the wiki</a> &lt;draft&gt;</p>",
    "<table><tr><td>Host</td><td>srv-01</td></tr><tr><td>Load</td><td>12.5</td></tr></table>",
];
