package post

// mostAnswer is how many bytes are read of an answer: a server may send without end.
const mostAnswer = 4 << 10
