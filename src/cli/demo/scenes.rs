//! The scenes of the demo, rendered by `training/demo_scenes.py`.

/// A scene and what its read should be.
pub struct Shown {
    /// What it shows.
    pub name: &'static str,
    /// 1280×720 pixels.
    pub jpeg: &'static [u8],
    /// What should come of it.
    pub expected: Expected,
}

/// What should come of a scene.
pub enum Expected {
    /// This VIN, accepted.
    Accepted(&'static str),
    /// Anything but an accepted VIN.
    NotAccepted,
    /// No read at all.
    NoRead,
}

/// In the order they are shown.
pub const SCENES: &[Shown] = &[
    Shown {
        name: "door sticker",
        jpeg: include_bytes!("jamb_1.jpg"),
        expected: Expected::Accepted("LSJW74U99MZ207315"),
    },
    Shown {
        name: "dash plate",
        jpeg: include_bytes!("dash_2.jpg"),
        expected: Expected::Accepted("1FTEW1EP3LFA24861"),
    },
    Shown {
        name: "empty bay",
        jpeg: include_bytes!("empty.jpg"),
        expected: Expected::NoRead,
    },
    Shown {
        name: "stamped metal, slanted",
        jpeg: include_bytes!("stamp_2.jpg"),
        expected: Expected::Accepted("WBA5A7C52FG142687"),
    },
    Shown {
        name: "unreadable",
        jpeg: include_bytes!("blurred.jpg"),
        expected: Expected::NotAccepted,
    },
    Shown {
        name: "dash plate",
        jpeg: include_bytes!("dash_3.jpg"),
        expected: Expected::Accepted("JTMRWRFV9LD051846"),
    },
    Shown {
        name: "dash plate",
        jpeg: include_bytes!("dash_1.jpg"),
        expected: Expected::Accepted("WVWZZZAUZKW384512"),
    },
    Shown {
        name: "stamped metal",
        jpeg: include_bytes!("stamp_1.jpg"),
        expected: Expected::Accepted("VF3LCYHZPFS198274"),
    },
    Shown {
        name: "document",
        jpeg: include_bytes!("paper.jpg"),
        expected: Expected::Accepted("VSSZZZ5FZHR146839"),
    },
    Shown {
        name: "door sticker, upside down",
        jpeg: include_bytes!("jamb_2.jpg"),
        expected: Expected::Accepted("TMBJJ7NX3MY042718"),
    },
];
