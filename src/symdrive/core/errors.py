"""The one exception that is meant for the person at the keyboard."""


class UserError(Exception):
    """Bad input, refused at the border.

    The message is one sentence: what is wrong, where (file, field), and what would be right. The
    command line prints it alone and exits with code 2; a library caller sees an ordinary exception.
    """
