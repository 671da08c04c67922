package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

const method = "/inference.GRPCInferenceService/ModelInfer"

// asIs sends messages that were written beforehand, and reads answers without looking into them.
type asIs struct{}

func (asIs) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*message.(*[]byte))}, nil
}

func (asIs) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

func (asIs) Name() string { return "proto" }

var _ encoding.CodecV2 = asIs{}

// called makes unary calls on as many connections, each with one caller.
func called(address, bodies string, connections int, length time.Duration) (*seen, error) {
	messages, err := messagesOf(bodies)
	if err != nil {
		return nil, err
	}
	var next atomic.Int64
	var lock sync.Mutex
	var group sync.WaitGroup
	times := map[string][]float64{}
	began := time.Now()
	for range connections {
		options := []grpc.DialOption{
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(asIs{})),
		}
		client, err := grpc.NewClient("passthrough:///"+address, options...)
		if err != nil {
			return nil, err
		}
		defer client.Close()
		group.Go(func() {
			mine := map[string][]float64{}
			for time.Since(began) < length {
				message := &messages[int(next.Add(1))%len(messages)]
				code, took := call(client, message)
				mine[code] = append(mine[code], took)
			}
			lock.Lock()
			defer lock.Unlock()
			for code, each := range mine {
				times[code] = append(times[code], each...)
			}
		})
	}
	group.Wait()
	result := &seen{Seconds: time.Since(began).Seconds(), Answers: map[string]quantiles{}}
	for code, each := range times {
		result.Sent += len(each)
		result.Answers[code] = summary(each)
	}
	return result, nil
}

func call(client *grpc.ClientConn, message *[]byte) (string, float64) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var answer []byte
	began := time.Now()
	err := client.Invoke(ctx, method, message, &answer)
	return status.Code(err).String(), float64(time.Since(began).Nanoseconds()) / 1e3
}

// messagesOf reads messages, each behind its length in four bytes.
func messagesOf(file string) ([][]byte, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var messages [][]byte
	for len(content) >= 4 {
		length := int(binary.BigEndian.Uint32(content))
		if len(content) < 4+length {
			break
		}
		messages = append(messages, content[4:4+length])
		content = content[4+length:]
	}
	if len(messages) == 0 {
		return nil, fmt.Errorf("%s has no message", file)
	}
	return messages, nil
}
