"""One presenter per screen: decides what is shown and what an action means. No Kivy here."""
