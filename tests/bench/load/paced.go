package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

const (
	drain   = 2 * time.Second // after the last request, wait this long for answers
	pending = 1 << 20         // answers read into buffers of this size
)

// connection carries one request at a time: a second one behind it would measure our pipelining, not the server.
type connection struct {
	socket  int
	isBusy  bool
	planned time.Time // when its request should have been sent: what a caller waited for
	left    []byte    // what the socket did not take yet
	answer  []byte
}

// generator keeps a schedule of evenly spaced requests and spins on its core: a sleeping timer would send in bursts.
type generator struct {
	poll        int
	connections []connection
	idle        []int
	requests    [][]byte
	times       map[string][]float64
	late        []float64
	sent        int
	broken      int
	buffer      []byte
}

func paced(address, path, bodies string, rate, connections int, length time.Duration) (*seen, error) {
	requests, err := requestsOf(address, path, bodies)
	if err != nil {
		return nil, err
	}
	g := &generator{requests: requests, times: map[string][]float64{}, buffer: make([]byte, pending)}
	if err := g.connect(address, connections); err != nil {
		return nil, err
	}
	began := time.Now()
	planned := int(float64(rate) * length.Seconds())
	for due := 0; due < planned; {
		now := time.Now()
		wanted := min(planned, int(now.Sub(began).Seconds()*float64(rate))+1)
		for due < wanted && len(g.idle) > 0 {
			g.send(began.Add(time.Duration(float64(due) / float64(rate) * 1e9)))
			due++
		}
		if now.Sub(began) > length+drain {
			break // the server holds every connection: what was planned and not sent is told
		}
		g.receive()
	}
	for end := time.Now().Add(drain); len(g.idle)+g.broken < connections && time.Now().Before(end); {
		g.receive()
	}
	return g.result(time.Since(began), planned), nil
}

func (g *generator) connect(address string, connections int) error {
	var err error
	if g.poll, err = syscall.EpollCreate1(0); err != nil {
		return err
	}
	to, err := net.ResolveTCPAddr("tcp4", address)
	if err != nil || !to.IP.IsLoopback() {
		return fmt.Errorf("%s: load is sent to the loopback alone (%v)", address, err)
	}
	target := &syscall.SockaddrInet4{Port: to.Port}
	copy(target.Addr[:], to.IP.To4())
	for i := range connections {
		socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		if err := syscall.Connect(socket, target); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		_ = syscall.SetNonblock(socket, true)
		_ = syscall.SetsockoptInt(socket, syscall.IPPROTO_TCP, syscall.TCP_NODELAY, 1)
		event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(i)}
		if err := syscall.EpollCtl(g.poll, syscall.EPOLL_CTL_ADD, socket, &event); err != nil {
			return err
		}
		g.connections = append(g.connections, connection{socket: socket})
		g.idle = append(g.idle, i)
	}
	return nil
}

// send puts the next request on the connection that rested longest.
func (g *generator) send(planned time.Time) {
	c := &g.connections[g.idle[0]]
	index := g.idle[0]
	g.idle = g.idle[1:]
	c.isBusy, c.planned, c.answer = true, planned, c.answer[:0]
	c.left = g.requests[g.sent%len(g.requests)]
	g.late = append(g.late, float64(time.Since(planned).Nanoseconds())/1e3)
	g.sent++
	g.push(index)
}

func (g *generator) push(index int) {
	c := &g.connections[index]
	for len(c.left) > 0 {
		n, err := syscall.Write(c.socket, c.left)
		if err == syscall.EAGAIN {
			return // loopback buffers are large; the rest goes with the next turn
		}
		if err != nil {
			g.breakOff(index)
			return
		}
		c.left = c.left[n:]
	}
}

// receive reads what has come, without waiting.
func (g *generator) receive() {
	var events [256]syscall.EpollEvent
	n, _ := syscall.EpollWait(g.poll, events[:], 0)
	for _, event := range events[:max(0, n)] {
		g.read(int(event.Fd))
	}
	for index := range g.connections {
		if c := &g.connections[index]; c.isBusy && len(c.left) > 0 {
			g.push(index)
		}
	}
}

func (g *generator) read(index int) {
	c := &g.connections[index]
	n, err := syscall.Read(c.socket, g.buffer)
	if err == syscall.EAGAIN {
		return
	}
	if n <= 0 {
		g.breakOff(index)
		return
	}
	if c.answer = append(c.answer, g.buffer[:n]...); !c.isBusy || !isWhole(c.answer) {
		return
	}
	status := string(c.answer[9:12])
	g.times[status] = append(g.times[status], float64(time.Since(c.planned).Nanoseconds())/1e3)
	c.isBusy = false
	g.idle = append(g.idle, index)
}

// breakOff counts a connection that the server closed; it is not opened again.
func (g *generator) breakOff(index int) {
	c := &g.connections[index]
	_ = syscall.Close(c.socket)
	if !c.isBusy {
		for i, each := range g.idle {
			if each == index {
				g.idle = append(g.idle[:i:i], g.idle[i+1:]...)
				break
			}
		}
	}
	c.isBusy, c.left = false, nil
	g.broken++
}

func (g *generator) result(took time.Duration, planned int) *seen {
	result := &seen{took.Seconds(), g.sent, planned - g.sent, g.broken, summary(g.late).P99, map[string]quantiles{}}
	for status, times := range g.times {
		result.Answers[status] = summary(times)
	}
	return result
}

// isWhole tells whether ANSWER has its headers and as many bytes as they announce; no server here answers in chunks.
func isWhole(answer []byte) bool {
	end := bytes.Index(answer, []byte("\r\n\r\n"))
	if end < 0 {
		return false
	}
	at := bytes.Index(bytes.ToLower(answer[:end+2]), []byte("\r\ncontent-length:"))
	if at < 0 {
		return true
	}
	line := answer[at+len("\r\ncontent-length:"):]
	length, err := strconv.Atoi(string(bytes.TrimSpace(line[:bytes.Index(line, []byte("\r\n"))])))
	return err != nil || len(answer) >= end+4+length
}

func requestsOf(address, path, file string) ([][]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var requests [][]byte
	for _, body := range bytes.Split(bytes.TrimSpace(content), []byte("\n")) {
		head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, address, len(body))
		requests = append(requests, append([]byte(head), body...))
	}
	return requests, nil
}
