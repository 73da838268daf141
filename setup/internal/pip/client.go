package pip

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"
)

// attempts is the number of times that a request is made before it fails.
const attempts = 3

// A Client sends requests to package indexes.
type Client struct {
	config Config
	http   *http.Client
	pause  time.Duration // before the second attempt
}

// NewClient returns a client with a configuration.
func NewClient(config Config) (*Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone() // respects HTTPS_PROXY and similar variables
	transport.TLSClientConfig = &tls.Config{}
	transport.ResponseHeaderTimeout = config.Timeout
	if config.Proxy != "" {
		proxy, err := url.Parse(config.Proxy)
		if err != nil {
			return nil, fmt.Errorf("pip's proxy is %q: %w", config.Proxy, err)
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	if config.Certificate != "" {
		pem, err := os.ReadFile(config.Certificate)
		if err != nil {
			return nil, fmt.Errorf("pip's file of certificates: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("pip's file of certificates: there is none in %s", config.Certificate)
		}
		transport.TLSClientConfig.RootCAs = pool
	}
	if config.ClientCertificate != "" {
		certificate, err := tls.LoadX509KeyPair(config.ClientCertificate, config.ClientCertificate)
		if err != nil {
			return nil, fmt.Errorf("pip's client certificate: %w", err)
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{certificate}
	}
	trusting := transport.Clone()
	trusting.TLSClientConfig.InsecureSkipVerify = true
	return &Client{
		config: config,
		http:   &http.Client{Transport: byHost{config.TrustedHosts, transport, trusting}},
		pause:  time.Second,
	}, nil
}

// byHost accepts any certificates of trusted hosts. Downloads must have their pinned hash in any
// case.
type byHost struct {
	hosts           []string
	usual, trusting http.RoundTripper
}

// RoundTrip sends a request, with the credentials in netrc for its host if the URL has none.
func (b byHost) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.User == nil && request.Header.Get("Authorization") == "" {
		if user, password, found := credentials(request.URL.Hostname()); found {
			request = request.Clone(request.Context())
			request.SetBasicAuth(user, password)
		}
	}
	if slices.Contains(b.hosts, request.URL.Host) || slices.Contains(b.hosts, request.URL.Hostname()) {
		return b.trusting.RoundTrip(request)
	}
	return b.usual.RoundTrip(request)
}

// A StatusError is a response with an error status.
type StatusError struct {
	Code int
	Host string
}

// Error says who responded with what, and what may help.
func (e *StatusError) Error() string {
	switch e.Code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return fmt.Sprintf("%s refuses with %d %s: it may want a user and a password, in the URL or in ~/.netrc",
			e.Host, e.Code, http.StatusText(e.Code))
	}
	return fmt.Sprintf("%s answers with %d %s", e.Host, e.Code, http.StatusText(e.Code))
}

// final reports whether another attempt would end the same way.
func (e *StatusError) final() bool { return e.Code < 500 && e.Code != http.StatusTooManyRequests }

// A NetworkError is a host that could not be reached, or a broken connection.
type NetworkError struct {
	Host string
	Err  error
}

// Error says which host could not be reached, why, and what may help.
func (e *NetworkError) Error() string {
	err := e.Err
	if wrapped, ok := errors.AsType[*url.Error](err); ok { // it repeats the URL
		err = wrapped.Err
	}
	return fmt.Sprintf("no network: %s is not reached (%v); set LIBTORCH to use a libtorch that you have, "+
		"PIP_INDEX_URL to another package index, or PIP_FIND_LINKS to a folder with the wheels",
		e.Host, err)
}

// Unwrap returns the cause.
func (e *NetworkError) Unwrap() error { return e.Err }

// get requests a URL and calls read with the response, and again after network errors: read must be
// able to start again, or to continue at the offset that it sets in header.
func (c *Client) get(ctx context.Context, address *url.URL, header func(http.Header), read func(*http.Response, io.Reader) error) error {
	for attempt := 1; ; attempt++ {
		err := c.getOnce(ctx, address, header, read)
		if err == nil {
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return cause
		}
		refused, isStatus := errors.AsType[*StatusError](err)
		_, isNetwork := errors.AsType[*NetworkError](err)
		if attempt == attempts || isStatus && refused.final() || !isStatus && !isNetwork {
			return err
		}
		select {
		case <-time.After(time.Duration(attempt) * c.pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (c *Client) getOnce(ctx context.Context, address *url.URL, header func(http.Header), read func(*http.Response, io.Reader) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return err
	}
	header(request.Header)
	response, err := c.http.Do(request)
	if err != nil {
		return &NetworkError{address.Host, err}
	}
	defer response.Body.Close()
	if response.StatusCode >= 400 {
		return &StatusError{response.StatusCode, address.Host}
	}
	timer := time.AfterFunc(c.config.Timeout, func() { cancel(fmt.Errorf("nothing came for %v", c.config.Timeout)) })
	defer timer.Stop()
	return read(response, body{ctx, response.Body, timer, c.config.Timeout, address.Host})
}

// A body is the content of a response, which fails when nothing is received for too long. Its
// errors are network errors.
type body struct {
	ctx     context.Context
	in      io.Reader
	timer   *time.Timer
	timeout time.Duration
	host    string
}

func (b body) Read(data []byte) (int, error) {
	n, err := b.in.Read(data)
	b.timer.Reset(b.timeout)
	if err != nil && err != io.EOF {
		if cause := context.Cause(b.ctx); cause != nil {
			err = cause
		}
		err = &NetworkError{b.host, fmt.Errorf("the connection broke: %w", err)}
	}
	return n, err
}
